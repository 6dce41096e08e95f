"""The numbers of a TIFF's pages, decoded by tifffile, or by Pillow where only that can."""

from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fcmae.data.bands import COLOURS, MINISWHITE, PALETTE, photometric
from fcmae.data.deep_colour import both_bytes, raw_mode, with_raw_mode
from fcmae.data.modes import Picture, Refused, picture_from
from fcmae.data.open_file import ByteStream
from fcmae.data.packed_bits import is_packed, unpacked
from fcmae.data.tiff_planes import Plane

YCBCR, UNCOMPRESSED, SEPARATE = 6, 1, 2
SAMPLES = {"1": 1, "L": 1, "P": 1, "I;16": 1, "I;16B": 1, "I": 1, "F": 1}
SAMPLES |= {"LA": 2, "La": 2, "PA": 2, "RGB": 3, "RGBA": 4}
"""Samples of a pixel in Pillow's modes."""

NEEDS_PACKAGE = (
    "its channels or bits are more than Pillow reads, and its compression ({}) needs another "
    "package: pip install 'fcmae[tiff]', or save it without compression or with deflate"
)


def has_own_samples(page: Any) -> bool:
    """Returns whether a page is read sample by sample, rather than converted to RGB as a whole."""
    return photometric(page) in COLOURS


def decodable(page: Any) -> bool:
    """Returns whether tifffile decodes a page with the packages that are there.

    For compressions such as LZW it asks for imagecodecs; Pillow reads many of them alone.
    """
    try:
        tifffile.TIFF.DECOMPRESSORS[page.compression]
        tifffile.TIFF.UNPREDICTORS[page.predictor]
    except KeyError:
        return False
    return True


def samples_of(
    tiff: tifffile.TiffFile, file: ByteStream, plane: Plane
) -> tuple[NDArray[Any], bool]:
    """The numbers of a plane, height x width x channels, and whether they are upright already.

    Raises:
        Refused: Nothing here decodes them.
    """
    keyframe, upright = plane.page, False
    if keyframe.dtype is None:
        raise Refused(
            f"samples of {keyframe.bitspersample} bits and format {int(keyframe.sampleformat)} "
            "are not supported"
        )
    if plane.series.is_truncated and len(plane.series) < plane.num_pages_of_series:
        found = [_in_a_row(tiff, keyframe, place) for place in plane.pages]
    else:
        pages = [plane.series[place] for place in plane.pages]
        _check_complete(pages, tiff.filehandle.size)
        if not decodable(keyframe):
            found = [_by_pillow(file, page, keyframe) for page in pages]
            upright = True
        elif is_packed(keyframe):
            found = [unpacked(tiff, page) for page in pages]
        else:
            found = [_by_tifffile(page, keyframe) for page in pages]
    if plane.columns_are_channels:
        return np.stack([samples[..., 0] for samples in found]), upright
    return (found[0] if len(found) == 1 else np.concatenate(found, axis=2)), upright


def colours_by_pillow(file: ByteStream, page: Any) -> Picture:
    """A page of inks or of other colours as Pillow converts it, upright."""
    kind = photometric(page)
    if kind == YCBCR and page.is_subsampled and page.compression == UNCOMPRESSED:
        raise Refused("TIFF colours that are coarser than brightness need JPEG compression")
    try:
        image = _opened(file, page)
        image.load()
        if image.mode not in ("CMYK", "RGB", "YCbCr", "L"):
            raise ValueError(image.mode)
    except (ValueError, SyntaxError, UnidentifiedImageError) as error:
        name = getattr(page.photometric, "name", kind)
        raise Refused(f"TIFF colours of kind {name} are not supported") from error
    return picture_from(image, keep_alpha=False)


def _by_tifffile(page: Any, keyframe: Any) -> NDArray[Any]:
    pixels: NDArray[Any] = page.asarray()
    if pixels.shape != keyframe.shape or pixels.size == 0:
        raise Refused("damaged: its pixels do not fill its shape")
    if keyframe.samplesperpixel == 1:
        return pixels.reshape(keyframe.imagelength, keyframe.imagewidth, 1)
    if pixels.ndim != 3:
        raise Refused(f"a TIFF page with axes {keyframe.axes!r} is not supported")
    separate = keyframe.planarconfig == SEPARATE
    return np.moveaxis(pixels, 0, -1) if separate else pixels


def _in_a_row(tiff: tifffile.TiffFile, page: Any, place: int) -> NDArray[Any]:
    """One picture of a stack that lies without gaps behind a single page, as of large stacks."""
    kind = page.dtype.newbyteorder(tiff.byteorder)
    offset = page.dataoffsets[0] + place * page.nbytes
    if page.compression != UNCOMPRESSED or is_packed(page):
        raise Refused("damaged: a stack in one page that is compressed")
    if offset + page.nbytes > tiff.filehandle.size:
        raise Refused("truncated: its pixels lie beyond the end of the file")
    tiff.filehandle.seek(offset)
    data = tiff.filehandle.read(page.nbytes)
    pixels = np.frombuffer(data, kind).reshape(page.shape).astype(page.dtype)
    return pixels.reshape(page.imagelength, page.imagewidth, -1)


def _check_complete(pages: list[Any], file_size: int) -> None:
    """tifffile would fill in for what lies beyond the end of the file, or in another one."""
    for page in pages:
        if page is None:
            raise Refused("a part of it lies in another file")
        segments = zip(page.dataoffsets, page.databytecounts, strict=True)
        if any(is_missing(offset, count, file_size) for offset, count in segments):
            raise Refused("truncated: its pixels lie beyond the end of the file")


def is_missing(offset: int, count: int, file_size: int) -> bool:
    """Returns whether a tile or strip is not there, other than one that was left out by intent."""
    return (count == 0 and offset != 0) or offset + count > file_size


def _opened(file: ByteStream, page: Any) -> Image.Image:
    if page.is_subifd:
        raise Refused(NEEDS_PACKAGE.format(getattr(page.compression, "name", page.compression)))
    file.seek(0)
    image = Image.open(file, formats=["TIFF"])
    image.seek(page.index)
    return image


def _by_pillow(file: ByteStream, page: Any, keyframe: Any) -> NDArray[Any]:
    """The numbers of a page from Pillow, upright; refused where it would lose any."""
    refused = Refused(NEEDS_PACKAGE.format(getattr(keyframe.compression, "name", "")))
    bits, kind = keyframe.bitspersample, keyframe.dtype.kind
    try:
        image = _opened(file, page)
    except (ValueError, SyntaxError, UnidentifiedImageError) as error:  # Pillow has no mode for it
        raise refused from error
    if SAMPLES.get(image.mode) != keyframe.samplesperpixel:
        raise refused
    if bits == 16 and image.mode in ("RGB", "RGBA") and kind == "u":
        if keyframe.planarconfig == SEPARATE:
            raise refused
        # Decoded samples have the machine's order, with the lower byte first.
        return both_bytes(file, "TIFF", page.index, image.mode).byteswap()
    if raw_mode(image) == "RGBa":
        with_raw_mode(image, "RGBA")
    image.load()
    pixels = np.asarray(image)
    if image.mode == "I" and kind == "u":
        pixels = pixels.view(np.uint32)
    elif image.mode in ("L", "LA", "La") and kind == "i":
        pixels = pixels.view(np.int8)
    if pixels.dtype.itemsize * 8 < bits or (bits > 8 and pixels.ndim == 3):
        raise refused
    return _as_stored(pixels, keyframe)


def _as_stored(pixels: NDArray[Any], page: Any) -> NDArray[Any]:
    """Pillow's numbers as the file has them: it turns 0 that is white, and widens to 8 bits."""
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    kind, bits = photometric(page), page.bitspersample
    if pixels.dtype == np.bool_:
        return pixels ^ (kind == MINISWHITE)
    if bits <= 8 and page.dtype.kind == "u":
        if kind == MINISWHITE:
            pixels = 255 - pixels
        if bits < 8 and kind != PALETTE:
            pixels = pixels // np.uint8(255 // (2**bits - 1))
    return pixels.astype(page.dtype, copy=False)
