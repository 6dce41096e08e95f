"""TIFF files that Pillow cannot read, or of which it would drop channels or bits."""

import logging
import math
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from fcmae.data.modes import Picture, Refused, on_white, scaled, upright
from fcmae.data.open_file import ByteStream

ORIENTATION, EXTRA_SAMPLES, SAMPLE_FORMAT, BITS, DESCRIPTION = 274, 338, 339, 258, 270
MINISWHITE, MINISBLACK, RGB = 0, 1, 2
ALPHA = (1, 2)
UNSIGNED, SIGNED = 1, 2

# What it would log becomes an error of ours.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


def pillow_suffices(image: Image.Image) -> bool:
    """True if Pillow reads this TIFF without losing channels or bits."""
    tags = getattr(image, "tag_v2", {})
    bits = tags.get(BITS, (1,))
    if 0 in tags.get(EXTRA_SAMPLES, ()) or (len(bits) > 1 and max(bits) > 8):
        return False
    formats = tags.get(SAMPLE_FORMAT, (UNSIGNED,))
    if (max(bits) == 8 and SIGNED in formats) or (max(bits) == 32 and UNSIGNED in formats):
        return False  # Pillow takes the sign for a bit, and the uppermost bit for a sign
    description = str(tags.get(DESCRIPTION, ""))
    names_axes = description.startswith(('{"shape"', "ImageJ=")) or "<OME" in description[:1000]
    return not (names_axes and getattr(image, "is_animated", False))


def read_tiff(file: ByteStream, *, keep_alpha: bool, max_pixels: int) -> Picture:
    """The first image of a TIFF with all its channels, also where they are stored as pages."""
    file.seek(0)
    # Other files that an OME header names stay closed.
    with tifffile.TiffFile(file, _multifile=False) as tiff:
        series = tiff.series[0]
        page = series.keyframe
        if page.photometric not in (MINISWHITE, MINISBLACK, RGB):
            raise Refused(f"TIFF colours of kind {page.photometric} are not supported")
        if not decodable(page):
            raise Refused(
                "its channels or bits are more than Pillow reads, and its compression "
                f"({getattr(page.compression, 'name', page.compression)}) needs another package: "
                "pip install 'fcmae[tiff]', or save it without compression or with deflate"
            )
        by_page = _channels_are_pages(series.axes, page)
        source = series if by_page else page
        channel = _channel_axis(source.axes, source.shape)
        _check_shape(source.axes, source.shape, channel, max_pixels)
        _check_complete(list(series.pages) if by_page else [page], tiff.filehandle.size)
        pixels = source.asarray()
        if pixels.shape != source.shape or pixels.size == 0:
            raise Refused("damaged: its pixels do not fill its shape")
    picture = scaled(_planes(pixels, channel))
    if page.photometric == MINISWHITE:
        picture = 255 - picture if picture.dtype == np.uint8 else 1 - picture
    if page.extrasamples and int(page.extrasamples[-1]) in ALPHA and not keep_alpha:
        picture = on_white(picture)
    tag = page.tags.get(ORIENTATION)
    return upright(picture, int(tag.value) if tag is not None else 1)


def decodable(page: Any) -> bool:
    """True if tifffile can decode a page with the packages that are there.

    For compressions such as LZW it asks for imagecodecs; Pillow reads many of them alone.
    """
    try:
        tifffile.TIFF.DECOMPRESSORS[page.compression]
        tifffile.TIFF.UNPREDICTORS[page.predictor]
    except KeyError:
        return False
    return True


def channels_are_pages(tiff: tifffile.TiffFile) -> bool:
    """True if the channels of a file's first image are pages of their own."""
    series = tiff.series[0]
    return _channels_are_pages(series.axes, series.keyframe)


def _channels_are_pages(axes: str, page: tifffile.TiffPage) -> bool:
    """True for the stacks of ImageJ, OME and tifffile; a scanned document has pages of its own."""
    if "S" in page.axes:
        return False
    return "C" in axes or (bool(page.is_shaped) and axes.count("Q") == 1)


def _channel_axis(axes: str, shape: tuple[int, ...]) -> int | None:
    """Axis of the channels. Where the file does not say, the shorter of first and last."""
    for name in "SC":
        if name in axes:
            return axes.index(name)
    if "Q" in axes:
        return 0 if shape[0] <= shape[-1] else len(shape) - 1
    return None


def _check_shape(axes: str, shape: tuple[int, ...], channel: int | None, max_pixels: int) -> None:
    """Refuse, before anything is read, what is no picture or too large."""
    if not {"Y", "X"} <= set(axes) or len(axes) != len(shape):
        raise Refused(f"damaged: a TIFF with axes {axes!r} of {shape}")
    values = math.prod(shape)
    channels = 1 if channel is None else shape[channel]
    if values // max(1, channels) > max_pixels or values > 4 * max_pixels:
        raise Refused(f"{values} values in a TIFF are more than loader.max_pixels allows")


def _check_complete(pages: list[Any], file_size: int) -> None:
    """tifffile would fill in for what lies beyond the end of the file."""
    for page in pages:
        segments = [] if page is None else zip(page.dataoffsets, page.databytecounts, strict=True)
        if any(count == 0 or offset + count > file_size for offset, count in segments):
            raise Refused("truncated: its pixels lie beyond the end of the file")


def _planes(pixels: NDArray[Any], channel: int | None) -> NDArray[Any]:
    """Height x width x channels; of every other axis (time, depth, page) the first."""
    pixels = pixels[..., None] if channel is None else np.moveaxis(pixels, channel, -1)
    first: NDArray[Any] = pixels[(0,) * (pixels.ndim - 3)]
    return first
