"""An image as a program has it: a file, an array, a tensor, Pillow's."""

import os
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fcmae.data.image import open_image, upright_size
from fcmae.data.modes import (
    SIXTEEN_BITS,
    Picture,
    check_not_empty,
    picture_from,
    scaled,
    with_channels,
    without,
)
from fcmae.data.options import DEFAULT, Reading

Given: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[np.generic] | Tensor
"""A path; an image of Pillow; an array ``h w`` or ``h w c``; a tensor ``c h w``."""

OVERSHOOT = 0.25
"""By how much floats may leave [0, 1]: about as far as bicubic resampling carries them."""


def picture_of(
    image: object, channels: int | None, *, how: Reading = DEFAULT, any_range: bool = False
) -> Picture:
    """The picture that an image means, by the rules of the front door.

    The same pixels are judged alike, whether an array, a tensor or Pillow has them.

    Args:
        image: One of ``Given``. Integers are taken as those of files are: 8 bits as they are,
            others of 65535, of which those that are not 16 bits must lie in [0, 65535] and go
            beyond 255. Floats must lie in [0, 1]; what leaves it by a little is clipped.
        channels: What the model takes; None leaves the picture as it is.
        how: Limits and rules; those of size are for files.
        any_range: Floats may have any values, as those of files may.

    Raises:
        UnusableImage: The file is not an image that is accepted.
        ValueError: It is none of an image, or has other channels.
    """
    if isinstance(image, (str, os.PathLike)):
        return open_image(image, channels=channels, how=how)
    image = _checked(image)
    if isinstance(image, Image.Image):
        picture = _of_pillow(image, how, keep_alpha=channels in (2, 4), any_range=any_range)
    else:
        picture = _of_array(image, how, any_range=any_range)
    check_not_empty(picture)
    if channels is not None:
        picture = with_channels(picture, channels)
    return np.ascontiguousarray(picture)  # type: ignore[return-value]  # dtype unchanged


def size_of(image: object) -> tuple[int, int]:
    """Height and width of the picture that an image means; of a file, from its header.

    Raises:
        UnusableImage: The file is not an image that is accepted.
        ValueError: It is none of an image.
    """
    if isinstance(image, (str, os.PathLike)):
        return upright_size(image)
    image = _checked(image)
    if isinstance(image, Image.Image):
        return image.height, image.width
    _check_shape(image)
    sides = image.shape[-2:] if isinstance(image, Tensor) else image.shape[:2]
    return int(sides[0]), int(sides[1])


def _checked(image: object) -> Image.Image | NDArray[np.generic] | Tensor:
    if isinstance(image, (Image.Image, np.ndarray, Tensor)):
        return image
    got = "None" if image is None else f"of type {type(image).__name__}"
    raise ValueError(
        "an image is a path, an image of Pillow, an array h w c or a tensor c h w, but this "
        f"one is {got}: give one of these, one image at a time."
    )


def _check_shape(image: NDArray[np.generic] | Tensor) -> None:
    if image.ndim not in (2, 3) or 0 in image.shape:
        raise ValueError(
            f"an image has height, width and channels, but this one has the shape "
            f"{tuple(image.shape)}: give an array h w or h w c, or a tensor c h w, of one image."
        )


def _of_pillow(image: Image.Image, how: Reading, *, keep_alpha: bool, any_range: bool) -> Picture:
    if 0 in image.size:
        width, height = image.size
        raise ValueError(
            f"an image has pixels, but this one is {width} pixels wide and {height} high: give one "
            "with some."
        )
    if image.mode in ("I", "F"):
        known = without(np.asarray(image), how.nodata)
        any_range = any_range and image.mode == "F"
        narrower = "mode L, or to mode I;16"
        return scaled(known if any_range else _in_range(known, f"mode {image.mode}", narrower))
    return picture_from(image, keep_alpha=keep_alpha, nodata=how.nodata)


def _of_array(image: NDArray[np.generic] | Tensor, how: Reading, *, any_range: bool) -> Picture:
    array = _numbers(image) if isinstance(image, Tensor) else image
    _check_shape(image)
    if isinstance(image, Tensor) and array.ndim == 3:
        array = array.transpose(1, 2, 0)
    any_range = any_range and array.dtype.kind == "f"
    known = without(array, how.nodata)
    return scaled(known if any_range else _in_range(known, f"{array.dtype}", "uint8, or to uint16"))


def _numbers(image: Tensor) -> NDArray[np.generic]:
    """A tensor as an array; floats that NumPy does not know as float32."""
    known = (torch.float64, torch.float32, torch.float16)
    try:
        image = image.detach().cpu()
        wider = image.is_floating_point() and image.dtype not in known
        array: NDArray[np.generic] = (image.float() if wider else image).numpy()
    except (TypeError, NotImplementedError) as error:
        raise ValueError(
            "a tensor of an image holds integers or floats, one for each pixel and channel, but "
            f"this one is of {image.dtype}, {image.layout} on the device {image.device}: convert "
            "it, as with .to_dense() or .float()."
        ) from error
    return array


def _in_range(array: NDArray[np.generic], kind: str, narrower: str) -> NDArray[np.generic]:
    """Numbers that say how bright they are: floats in [0, 1], clipped where resampling has carried
    them a little beyond; integers of 16 bits, none of which must be meant as 8 bits.

    Args:
        array: The numbers.
        kind: Their type, for messages.
        narrower: The types that say what they mean.
    """
    if array.dtype.kind == "f":
        return _floats_in_range(array)
    says_it = array.dtype.kind == "u" and array.dtype.itemsize <= 2
    if array.dtype.kind not in "iu" or says_it:
        return array
    low, high = int(array.min()), int(array.max())
    if low < 0 or high > SIXTEEN_BITS:
        raise ValueError(
            f"integers of an image lie in [0, {SIXTEEN_BITS}], but these of {kind} are from {low} "
            f"to {high}: scale them to that, or to floats in [0, 1]."
        )
    if 0 < high <= 255:
        raise ValueError(
            f"integers that are not uint8 count as 16 bits, but these of {kind} are at most "
            f"{high}, which would be nearly black: convert them to {narrower}."
        )
    return array


def _floats_in_range(array: NDArray[np.generic]) -> NDArray[np.generic]:
    known = array[np.isfinite(array)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    if low < -OVERSHOOT or high > 1 + OVERSHOOT:
        raise ValueError(
            f"floats of an image lie in [0, 1], but these are from {low:.4g} to {high:.4g}: scale "
            "them (divide by 255, if that is their white), or convert them to uint8."
        )
    return array.clip(0, 1)
