"""The one front door for images: which files are accepted, and what their pixels mean.

Accepted are regular files with JPEG, PNG, WebP, BMP, TIFF or GIF inside, whatever they are called;
of animations and multi-page files the first picture. EXIF orientation is undone.

===============================  ============================================================
in the file                      becomes (height x width x channels)
===============================  ============================================================
1 bit                            one channel, 0 or 255
8 bits grey, colour, palette     1, 3 and 3 channels of uint8, as they are
opacity (LA, RGBA, colour key)   laid on white; kept if the model takes 2 or 4 channels
CMYK, YCCK                       3 channels; Adobe's inversion is undone where marked
YCbCr, HSV                       3 channels, as Pillow converts
16 bits grey, any byte order     float32, divided by 65535
16 bits colour or opacity: PNG   uint8, the upper 8 bits (Pillow offers no more)
16 bits colour: TIFF             float32, divided by 65535
other integers                   float32, [0, 65535] to [0, 1]; values outside widen that
float                            float32, [0, 1] as it is; values outside widen that
TIFF with more channels          all of its channels, by the rules above
===============================  ============================================================

"Widen" means that the range from the smaller of 0 and the minimum to the larger of the top and the
maximum is mapped to [0, 1], picture by picture. NaN and infinite values are refused.
"""

import logging
import sys
from collections.abc import Callable, Sequence

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from fcmae.data.decoded import Decoded, plain
from fcmae.data.modes import Picture, Refused, picture_from, upright, with_channels
from fcmae.data.open_file import FORMATS, ByteStream, OpenSource, UnusableImage, entrance, kind_of
from fcmae.data.options import Loader
from fcmae.data.region import Region, reduction

__all__ = ["UnusableImage", "open_for", "open_image", "upright_size"]

Aim = Callable[[int, int], Sequence[Region]]
"""Says which regions are wanted of an upright picture of this height and width."""

MAX_ASPECT = 200
"""Of a longer strip, a crop would show nothing but a smear."""

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
    max_pixels: int = Loader.max_pixels,
    max_bytes: int = Loader.max_bytes,
) -> Picture:
    """Read a picture by the table above.

    Args:
        path: Any file name; only the content decides.
        channels: What the model takes: grey is repeated for 3 channels, colour becomes luma for 1,
            else the numbers must agree. None leaves the picture as it is.
        max_pixels: Larger pictures are refused unread.
        max_bytes: Larger files are refused unread.

    Raises:
        UnusableImage: Whatever is wrong with the file; nothing else is raised.
    """
    keep_alpha = channels in (2, 4)
    with entrance(path, max_bytes) as file:
        image = _opened(file, max_pixels)
        if image is None:
            picture = _by_tifffile(file, keep_alpha, max_pixels)
        else:
            image.load()
            picture = upright(picture_from(image, keep_alpha=keep_alpha), _orientation(image))
        if channels is not None:
            picture = with_channels(picture, channels)
        return np.ascontiguousarray(picture)  # type: ignore[return-value]  # dtype unchanged


def open_for(
    aim: Aim,
    path: OpenSource,
    *,
    channels: int,
    max_pixels: int = Loader.max_pixels,
    max_bytes: int = Loader.max_bytes,
) -> Decoded:
    """Read a picture by the table above, as far as some regions of it need.

    A JPEG is decoded at half, a quarter or an eighth of its size where that leaves every region
    with the pixels that it asks for; all else comes at full size.

    Args:
        aim: Called once, when height and width are known.
        path: Any file name; only the content decides.
        channels: What the model takes, as in ``open_image``.
        max_pixels: Larger pictures are refused unread.
        max_bytes: Larger files are refused unread.

    Raises:
        UnusableImage: Whatever is wrong with the file; nothing else is raised.
    """
    with entrance(path, max_bytes) as file:
        image = _opened(file, max_pixels)
        if image is not None:
            return _decoded_for(aim, image, channels)
        picture = _by_tifffile(file, channels in (2, 4), max_pixels)
        height, width = picture.shape[:2]
        return Decoded(
            pixels=with_channels(picture, channels),
            channels=channels,
            height=height,
            width=width,
            regions=aim(height, width),
        )


def upright_size(path: OpenSource) -> tuple[int, int]:
    """Height and width of a picture, once upright, from the file's header alone.

    Raises:
        UnusableImage: The header cannot be read.
    """
    with entrance(path, Loader.max_bytes) as file:
        image = _opened(file, sys.maxsize)
        if image is None:
            height, width = _by_tifffile(file, False, Loader.max_pixels).shape[:2]
            return height, width
        return _upright_size(image)


def _opened(file: ByteStream, max_pixels: int) -> Image.Image | None:
    """The picture as Pillow opens it, not decoded yet; None for a TIFF that is not for Pillow."""
    kind = kind_of(file)
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        if kind == "TIFF":
            return None
        raise
    check_size(*image.size, max_pixels)
    if kind == "TIFF":
        from fcmae.data.tiff import pillow_suffices

        return image if pillow_suffices(image) else None
    return image


def _by_tifffile(file: ByteStream, keep_alpha: bool, max_pixels: int) -> Picture:
    from fcmae.data.tiff import read_tiff

    picture = read_tiff(file, keep_alpha=keep_alpha, max_pixels=max_pixels)
    check_size(picture.shape[1], picture.shape[0], max_pixels)
    return picture


def _decoded_for(aim: Aim, image: Image.Image, channels: int) -> Decoded:
    if image.format not in JPEG:
        image.load()  # of a TIFF or PNG, this can change size and orientation
    height, width = _upright_size(image)
    regions = aim(height, width)
    factor = _reduce(image, reduction(regions)) if image.format in JPEG else 1
    image.load()
    pixels: Image.Image | Picture | None = plain(image, channels)
    if pixels is None:
        picture = picture_from(image, keep_alpha=channels in (2, 4))
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


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture of too many pixels, and one that is hardly more than a line."""
    if width * height > max_pixels:
        raise Refused(f"{width} x {height} pixels are more than loader.max_pixels, {max_pixels}")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise Refused(f"{width} x {height} pixels: one side is over {MAX_ASPECT} times the other")


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; a damaged EXIF block says nothing about the pixels, so 1."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow raises many kinds of error here
        return 1
