"""The one front door for images: which files are accepted, and what their pixels mean.

Accepted are regular files with JPEG, PNG, WebP, BMP, TIFF or GIF inside, whatever they are called.
EXIF orientation is undone.

===============================  ============================================================
in the file                      becomes (height x width x channels)
===============================  ============================================================
1 bit                            one channel, 0 or 255
8 bits grey, colour, palette     1, 3 and 3 channels of uint8, as they are
fewer bits grey                  one channel of uint8, widened so that the greatest is 255
opacity (LA, RGBA, colour key)   laid on white; kept if the model takes 2 or 4 channels
opacity that shows nothing       refused
"opacity" of a TIFF that is a    a channel like others; left out where the model takes one less
band (``fcmae.data.bands``)
CMYK, YCCK                       3 channels; Adobe's inversion is undone where marked
YCbCr, HSV                       3 channels, as Pillow converts
9 to 16 bits, any byte order     float32, divided by 65535
other integers                   float32, divided by 65535; below 0 where they are
float                            float32, as they are; NaN where missing
0 is white (TIFF)                turned, for unsigned integers of any depth; other numbers stay
TIFF with more channels          all of its channels, by the rules above
planes: depth, time, pages,      the first; with ``--loader.planes each`` the one that is asked
frames of an animation           for, with ``channels`` all, as channels
===============================  ============================================================

A number means the same in every picture: no picture is stretched by its own range. Values that mark
missing pixels become NaN: NaN itself, infinity, floats beyond 1e37, the value of a GeoTIFF's tag
GDAL_NODATA, and that of ``--loader.nodata``. A picture without any other pixel is refused.
"""

import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PIL import ExifTags, Image

from fcmae.data.decoded import Decoded, plain
from fcmae.data.deep_colour import is_deep_png
from fcmae.data.frames import all_frames, frame_of, picture_of_frame
from fcmae.data.modes import (
    Picture,
    check_not_empty,
    check_size,
    upright,
    with_channels,
)
from fcmae.data.open_file import FORMATS, ByteStream, OpenSource, UnusableImage, entrance, kind_of
from fcmae.data.options import DEFAULT, Reading
from fcmae.data.region import Region, reduction

__all__ = ["UnusableImage", "open_for", "open_image", "upright_size"]

Aim = Callable[[int, int], Sequence[Region]]
"""Says which regions are wanted of an upright picture of this height and width."""

JPEG = ("JPEG", "MPO")
"""The second is what phones write: JPEG with more pictures behind the first."""

LYING = (5, 6, 7, 8)
"""EXIF orientations in which rows are columns."""

# What Pillow would log becomes an error of ours.
logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.CRITICAL)


def open_image(
    path: OpenSource,
    *,
    channels: int | None = None,
    how: Reading = DEFAULT,
) -> Picture:
    """Read a picture by the table above.

    Args:
        path: Any file name; only the content decides.
        channels: What the model takes: grey is repeated for 3 channels, colour becomes luma for 1,
            else the numbers must agree. None leaves the picture as it is.
        how: Limits of size, and what marks missing pixels.

    Raises:
        UnusableImage: Whatever is wrong with the file; nothing else is raised.
    """
    with entrance(path, how.max_bytes) as file:
        image = _opened(file, how)
        picture = _whole(file, image, channels, how)
        if channels is not None:
            picture = with_channels(picture, channels)
        return np.ascontiguousarray(picture)  # type: ignore[return-value]  # dtype unchanged


def open_for(
    aim: Aim,
    path: OpenSource,
    *,
    channels: int,
    how: Reading = DEFAULT,
) -> Decoded:
    """Read a picture by the table above, as far as some regions of it need.

    A JPEG is decoded at half, a quarter or an eighth of its size where that leaves every region
    with the pixels that it asks for; all else comes at full size.

    Args:
        aim: Called once, when height and width are known.
        path: Any file name; only the content decides.
        channels: What the model takes, as in ``open_image``.
        how: Limits of size, and what marks missing pixels.

    Raises:
        UnusableImage: Whatever is wrong with the file; nothing else is raised.
    """
    with entrance(path, how.max_bytes) as file:
        image = _opened(file, how)
        if image is not None and how.planes != "channels" and not is_deep_png(image):
            return _decoded_for(aim, file, image, channels, how)
        picture = with_channels(_whole(file, image, channels, how), channels)
        height, width = picture.shape[:2]
        return Decoded(
            pixels=picture,
            channels=channels,
            height=height,
            width=width,
            regions=aim(height, width),
        )


def upright_size(path: OpenSource, *, how: Reading = DEFAULT) -> tuple[int, int]:
    """Height and width of a picture, once upright, from the file's header alone.

    Args:
        path: Any file name.
        how: Which plane; its limits do not count.

    Raises:
        UnusableImage: The header cannot be read.
    """
    with entrance(path, Reading.max_bytes) as file:
        image = _opened(file, replace(how, max_pixels=sys.maxsize))
        if image is not None:
            return _upright_size(image)
        from fcmae.data.tiff_planes import chosen, open_tiff, planes_of

        with open_tiff(file) as tiff:
            height, width = chosen(planes_of(tiff, how), how).size
            return height, width


def _opened(file: ByteStream, how: Reading) -> Image.Image | None:
    """The picture as Pillow opens it, not decoded yet; None for a TIFF."""
    if kind_of(file) == "TIFF":
        return None
    image = Image.open(file, formats=FORMATS)
    check_size(*image.size, how.max_pixels)
    if how.plane:
        frame_of(image, how)
    return image


def _whole(
    file: ByteStream, image: Image.Image | None, channels: int | None, how: Reading
) -> Picture:
    """An upright picture, before the model's channels are made of it."""
    if image is None:
        from fcmae.data.tiff import read_tiff

        return read_tiff(file, channels=channels, how=how)
    if how.planes == "channels":
        picture = all_frames(file, image, how)
    else:
        picture = picture_of_frame(file, image, how, keep_alpha=channels in (2, 4))
    picture = upright(picture, _orientation(image))
    check_not_empty(picture)
    return picture


def _decoded_for(
    aim: Aim, file: ByteStream, image: Image.Image, channels: int, how: Reading
) -> Decoded:
    if image.format not in JPEG:
        image.load()  # of a PNG, this can change the orientation
    height, width = _upright_size(image)
    regions = aim(height, width)
    factor = _reduce(image, reduction(regions)) if image.format in JPEG else 1
    pixels: Image.Image | Picture | None = None
    if how.nodata is None:
        image.load()
        pixels = plain(image, channels)
    if pixels is None:
        picture = picture_of_frame(file, image, how, keep_alpha=channels in (2, 4))
        check_not_empty(picture)
        pixels = with_channels(picture, channels)
    return Decoded(
        pixels=pixels,
        channels=channels,
        orientation=_orientation(image),
        reduction=factor,
        height=height,
        width=width,
        regions=regions,
    )


def _upright_size(image: Image.Image) -> tuple[int, int]:
    width, height = image.size
    return (width, height) if _orientation(image) in LYING else (height, width)


def _reduce(image: Image.Image, factor: int) -> int:
    """Have a JPEG decoded so many times smaller; give back how many times it will be."""
    width, height = image.size
    drafted = factor > 1 and image.draft(None, (width // factor, height // factor))
    return factor if drafted else 1


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; a damaged EXIF block says nothing about the pixels, so 1."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow raises many kinds of error here
        return 1
