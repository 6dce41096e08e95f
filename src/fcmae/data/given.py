"""An image as a program has it: a file, an array, a tensor, Pillow's."""

import os
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fcmae.data.image import open_image
from fcmae.data.modes import Picture, picture_from, scaled, with_channels

Given: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[np.generic] | Tensor
"""A path; an image of Pillow; an array ``h w`` or ``h w c``; a tensor ``c h w``."""

OVERSHOOT = 0.25
"""By how much floats may leave [0, 1]: about as far as bicubic resampling carries them."""


def picture_of(image: Given, channels: int) -> Picture:
    """The picture that an image means, by the rules of the front door.

    Args:
        image: Integers of arrays and tensors are taken as those of files are: 8 bits as they are,
            others of 65535, for which wide ones must have more than 8 bits. Floats must lie in
            [0, 1]; what leaves it by a little is clipped.
        channels: What the model takes.

    Raises:
        UnusableImage: The file is not an image that is accepted.
        ValueError: It is none of an image, or has other channels.
    """
    if isinstance(image, (str, os.PathLike)):
        return open_image(image, channels=channels)
    if isinstance(image, Image.Image):
        return with_channels(picture_from(image, keep_alpha=channels in (2, 4)), channels)
    if not isinstance(image, (np.ndarray, Tensor)):
        got = "None" if image is None else f"of type {type(image).__name__}"
        raise ValueError(
            "an image is a path, an image of Pillow, an array h w c or a tensor c h w, but this "
            f"one is {got}: give one of these, one image at a time."
        )
    if isinstance(image, Tensor) and image.dtype == torch.bfloat16:
        image = image.float()  # NumPy does not know it
    array = image.detach().cpu().numpy() if isinstance(image, Tensor) else image
    if isinstance(image, Tensor) and array.ndim == 3:
        array = array.transpose(1, 2, 0)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(
            f"an image has height, width and channels, but this one has the shape "
            f"{tuple(image.shape)}."
        )
    picture = with_channels(scaled(_in_range(array)), channels)
    return np.ascontiguousarray(picture)  # type: ignore[return-value]  # dtype unchanged


def _in_range(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Floats in [0, 1], clipped where resampling has carried them a little beyond; no wide integers
    that must be meant as 8 bits."""
    if array.dtype.kind in "iu" and array.dtype.itemsize > 2 and 0 < array.max() <= 255:
        raise ValueError(
            f"integers of over 8 bits count as 16 bits, but these of {array.dtype} are at most "
            f"{array.max()}, which would be nearly black: convert them to uint8, or to uint16."
        )
    if array.dtype.kind != "f" or not np.isfinite(array).all():
        return array
    low, high = float(array.min()), float(array.max())
    if low < -OVERSHOOT or high > 1 + OVERSHOOT:
        raise ValueError(
            f"floats of an image lie in [0, 1], but these are from {low:.4g} to {high:.4g}: scale "
            "them (divide by 255, if that is their white), or convert them to uint8."
        )
    return array.clip(0, 1)
