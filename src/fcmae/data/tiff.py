"""Reads TIFF files."""

import math

import tifffile

from fcmae.data.bands import Bands
from fcmae.data.modes import Picture, Refused, check_size, joined
from fcmae.data.open_file import ByteStream
from fcmae.data.options import Reading
from fcmae.data.tiff_pixels import colours_by_pillow, has_own_samples, samples_of
from fcmae.data.tiff_planes import Plane, chosen, open_tiff, planes_of


def read_tiff(file: ByteStream, *, channels: int | None, how: Reading) -> Picture:
    """A plane of a TIFF with all its channels, or all planes as channels.

    Args:
        file: The open file.
        channels: What the model takes, which says what becomes of opacity.
        how: Limits, which plane, and what marks missing pixels.
    """
    with open_tiff(file) as tiff:
        planes = planes_of(tiff, how)
        if how.planes != "channels" or len(planes) == 1:
            return _read(tiff, file, chosen(planes, how), channels, how)
        total = sum(math.prod(plane.shape) for plane in planes)
        _check_values(total, how)
        return joined([_read(tiff, file, plane, None, how) for plane in planes])


def _read(
    tiff: tifffile.TiffFile, file: ByteStream, plane: Plane, channels: int | None, how: Reading
) -> Picture:
    height, width, samples = plane.shape
    check_size(width, height, how.max_pixels)
    _check_values(height * width * samples, how)
    if not has_own_samples(plane.page):
        return colours_by_pillow(file, plane.page)
    bands = Bands.of(plane.page, how.nodata)
    pixels, upright = samples_of(tiff, file, plane)
    bands = bands.alone if plane.bands_are_pages else bands
    return (bands.stored_upright if upright else bands).picture(pixels, channels)


def _check_values(values: int, how: Reading) -> None:
    if values > 4 * how.max_pixels:
        raise Refused(f"{values} values in a TIFF are more than loader.max_pixels allows")
