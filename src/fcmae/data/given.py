"""An image as a program has it: a file, an array, a tensor, Pillow's."""

import os
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fcmae.data.image import open_image
from fcmae.data.modes import Picture, picture_from, scaled, with_channels

Given: TypeAlias = str | os.PathLike[str] | Image.Image | NDArray[np.generic] | Tensor
"""A path; an image of Pillow; an array ``h w`` or ``h w c``; a tensor ``c h w``."""


def picture_of(image: Given, channels: int) -> Picture:
    """The picture that an image means, by the rules of the front door.

    Args:
        image: Numbers of arrays and tensors are taken as those of files are: 8 bits as they are,
            16 bits of 65535, floats in [0, 1].
        channels: What the model takes.

    Raises:
        UnusableImage: The file is not an image that is accepted.
        ValueError: The array is none of an image, or has other channels.
    """
    if isinstance(image, (str, os.PathLike)):
        return open_image(image, channels=channels)
    if isinstance(image, Image.Image):
        return with_channels(picture_from(image, keep_alpha=channels in (2, 4)), channels)
    array = image.detach().cpu().numpy() if isinstance(image, Tensor) else image
    if isinstance(image, Tensor) and array.ndim == 3:
        array = array.transpose(1, 2, 0)
    if array.ndim not in (2, 3) or 0 in array.shape:
        raise ValueError(
            f"an image has height, width and channels, but this one has the shape "
            f"{tuple(image.shape)}."
        )
    picture = with_channels(scaled(array), channels)
    return np.ascontiguousarray(picture)  # type: ignore[return-value]  # dtype unchanged
