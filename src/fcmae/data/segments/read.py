"""Opening a label map: what its pixels say, never what colours they look like.

Accepted are PNG, TIFF, BMP and GIF with one number per pixel: grey of 1, 8 or 16 bits, and
palettes, of which the index counts. JPEG is refused, because its compression changes numbers.
"""

import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcmae.data.modes import Refused
from fcmae.data.open_file import entrance, kind_of
from fcmae.data.options import Loader

FORMATS = ("PNG", "TIFF", "BMP", "GIF")
MODES = ("1", "L", "P", "I", "I;16", "I;16B", "I;16L")


def read_label_map(path: str | os.PathLike[str], size: tuple[int, int]) -> NDArray[np.int32]:
    """The number of each pixel of a label map.

    Args:
        path: The file.
        size: Height and width of the picture it belongs to; another size is refused unread.

    Raises:
        UnusableImage: Whatever is wrong with the file; nothing else is raised.
    """
    with entrance(path, Loader.max_bytes) as file:
        kind = kind_of(file)
        if kind.upper() not in FORMATS:
            raise Refused(f"it is {kind}, which does not keep numbers exactly: use PNG")
        return numbers_of(Image.open(file, formats=FORMATS), size)


def numbers_of(image: Image.Image, size: tuple[int, int]) -> NDArray[np.int32]:
    """The number of each pixel of Pillow's image of a label map.

    Args:
        image: Grey or with a palette, of which the index counts.
        size: Height and width of the picture it belongs to.

    Raises:
        Refused: It holds something else, or is of another size.
    """
    if image.mode not in MODES:
        what = "floating-point numbers" if image.mode == "F" else "colours"
        raise Refused(
            f"its pixels are {what} ({image.mode}), but must be class indices: one whole grey "
            "value or palette index each"
        )
    check_same_size((image.height, image.width), size)
    return np.asarray(image).astype(np.int32)


def check_same_size(mask: tuple[int, int], image: tuple[int, int]) -> None:
    """Refuse a label map of another height and width than its image.

    Raises:
        Refused: They differ.
    """
    if mask != image:
        raise Refused(_other_size(mask, image))


def _other_size(mask: tuple[int, int], image: tuple[int, int]) -> str:
    turned = " (turned by its EXIF orientation)" if mask == image[::-1] else ""
    return (
        f"it has {mask[0]} x {mask[1]} pixels, but its image{turned} {image[0]} x {image[1]}: both "
        "must be of the same height and width"
    )
