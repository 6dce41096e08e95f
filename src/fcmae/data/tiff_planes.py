"""The planes of a TIFF, from its headers alone.

A plane is one picture: a page with all of its channels, or the pages of one channel each that
belong together. Depth, time, further pages and further images are further planes. Reduced copies
and masks of other pages are no planes.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import tifffile

from fcmae.data.bands import Bands
from fcmae.data.modes import Refused
from fcmae.data.open_file import ByteStream
from fcmae.data.options import Reading

REDUCED_OR_MASK = 1 | 4
"""Of NewSubfileType: the page says something about another one."""

LYING = (5, 6, 7, 8)

# What it would log becomes an error of ours.
logging.getLogger("tifffile").setLevel(logging.CRITICAL)


@dataclass(frozen=True, kw_only=True)
class Plane:
    """One picture of a TIFF.

    Attributes:
        series: The pages that it is part of.
        pages: Places of its pages among them, in the order of the channels.
        columns_are_channels: Pages are rows, and columns of pages are channels, as tifffile writes
            an array whose meaning it is not told.
    """

    series: Any
    pages: tuple[int, ...]
    columns_are_channels: bool = False

    @property
    def page(self) -> Any:
        """The page that stands for all."""
        return self.series.keyframe

    @property
    def num_pages_of_series(self) -> int:
        """Number of pages, had each one its own."""
        axes = len(self.series.shape) - len(self.page.shape)
        return math.prod(self.series.shape[: max(axes, 0)])

    @property
    def bands_are_pages(self) -> bool:
        """True if it has a page for each channel."""
        return len(self.pages) > 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Height, width and channels as they are stored."""
        page = self.page
        if self.columns_are_channels:
            return len(self.pages), page.imagelength, page.imagewidth
        samples = page.samplesperpixel * len(self.pages)
        return page.imagelength, page.imagewidth, samples

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the upright picture."""
        height, width, _ = self.shape
        lying = Bands.of(self.page).orientation in LYING and not self.columns_are_channels
        return (width, height) if lying else (height, width)


@contextmanager
def open_tiff(file: ByteStream) -> Iterator[tifffile.TiffFile]:
    """A TIFF with its headers read. Other files that an OME header names stay closed."""
    file.seek(0)
    with tifffile.TiffFile(file, _multifile=False) as tiff:
        yield tiff


def planes_of(tiff: tifffile.TiffFile, how: Reading) -> list[Plane]:
    """All planes of a file, in its order.

    An axis of pages without a name, as tifffile writes it, is that of channels, unless every plane
    is wanted as an image of its own.

    Raises:
        Refused: There is no picture in the file.
    """
    found = [
        plane
        for series in _full_size(tiff)
        for plane in _planes(series, unnamed_are_channels=how.planes != "each")
    ]
    if not found:
        raise Refused("damaged: there is no picture in it")
    return found


def chosen(planes: Sequence[Any], how: Reading) -> Any:
    """The plane that is wanted."""
    if how.plane >= len(planes):
        raise Refused(f"plane {how.plane + 1} was asked for, but it has {len(planes)}")
    return planes[how.plane]


def _full_size(tiff: tifffile.TiffFile) -> list[Any]:
    """The images of a file that are no reduced copies or masks of others."""
    if not tiff.series:
        return []
    full = [s for s in tiff.series if not int(s.keyframe.subfiletype) & REDUCED_OR_MASK]
    of_file = [series for series in full if not series.keyframe.is_subifd]
    return of_file or full or [tiff.series[0]]


def _planes(series: Any, *, unnamed_are_channels: bool) -> Iterator[Plane]:
    page = series.keyframe
    outer = len(series.shape) - len(page.shape)
    if not page.shape or outer < 0 or tuple(series.shape[outer:]) != tuple(page.shape):
        # An axis of length 1 more or less.
        outer = 0
    axes, lengths = series.axes[:outer], series.shape[:outer]
    one_sample = page.samplesperpixel == 1
    if axes == "Q" and one_sample and page.is_shaped and lengths[0] > series.shape[-1]:
        yield Plane(series=series, pages=tuple(range(lengths[0])), columns_are_channels=True)
        return
    places = np.arange(math.prod(lengths)).reshape(lengths)
    channel = axes.find("C")
    if channel < 0 and axes == "Q" and page.is_shaped and unnamed_are_channels:
        channel = 0
    if channel < 0 or not one_sample:
        places = places.reshape(-1, 1)
    else:
        places = np.moveaxis(places, channel, -1).reshape(-1, lengths[channel])
    for pages in places.tolist():
        yield Plane(series=series, pages=tuple(pages))
