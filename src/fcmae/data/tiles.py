"""Images that are looked at piece by piece: where the pieces lie, and reading only those.

Segmentation and detection of images larger than a model or the memory takes both.
"""

import math
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.image import open_image
from fcmae.data.modes import Picture, Refused, with_channels
from fcmae.data.open_file import decoding, kind_of, opened
from fcmae.data.options import DEFAULT, Reading

if TYPE_CHECKING:
    from fcmae.data.tiff_planes import Plane

KEPT_BYTES = 256 * 2**20
"""So much of decoded pieces is kept: windows in a row, and the next row, share many."""

OVERVIEW_PIXELS = 4_000_000
"""A picture of a large image, to look at, has so many at most."""

ROWS_READ = 512
"""Rows of a large image that its overview reads at a time, about as many as a tile has."""

EVERYTHING = 2**40
"""More pixels or bytes than any file holds: who asks for pieces means large images."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """A region of an image, in pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns."""
        return (
            slice(self.top, self.top + self.height),
            slice(self.left, self.left + self.width),
        )


def windows(size: tuple[int, int], tile: tuple[int, int], overlap: float) -> list[Window]:
    """The fewest windows that cover an image, row by row; the last ones end at its border.

    Args:
        size: Height and width of the image.
        tile: Of a window; along a shorter image, its whole side.
        overlap: Share of a window that at least lies in the next one.
    """
    if not 0 <= overlap < 1:
        raise ValueError(f"overlap is {overlap}, but must be at least 0 and below 1.")
    rows, columns = (_starts(have, side, overlap) for have, side in zip(size, tile, strict=True))
    height, width = min(size[0], tile[0]), min(size[1], tile[1])
    return [Window(top=y, left=x, height=height, width=width) for y, x in product(rows, columns)]


def _starts(length: int, side: int, overlap: float) -> list[int]:
    step = max(1, int(side * (1 - overlap)))
    count = math.ceil(max(length - side, 0) / step) + 1
    return [min(i * step, max(length - side, 0)) for i in range(count)]


def overview(regions: "Regions", most_pixels: int) -> tuple[Picture, int]:
    """An image as means over squares of pixels, read a few rows at a time, and the squares' side.

    Missing pixels have no share in a mean; a square of nothing else is missing.
    Rows and columns at the end that fill no square are left out.
    """
    height, width = regions.size
    # No side may vanish.
    side = min(math.ceil(math.sqrt(height * width / most_pixels)), height, width)
    columns, bands = width // side, []
    rows = max(1, ROWS_READ // side) * side
    last = height // side * side
    for top in range(0, last, rows):
        window = Window(top=top, left=0, height=min(rows, last - top), width=columns * side)
        pixels = regions.read(window)
        squares = pixels.reshape(-1, side, columns, side, pixels.shape[2])
        bands.append(_means(squares))
    whole = np.concatenate(bands)
    return (whole.astype(np.uint8) if pixels.dtype == np.uint8 else whole), side


def _means(squares: NDArray[Any]) -> NDArray[np.float32]:
    """Means over the axes 1 and 3, of the pixels that are not missing; NaN where all are."""
    if squares.dtype == np.uint8:
        means: NDArray[np.float32] = squares.mean(axis=(1, 3), dtype=np.float32)
        return means.round()
    known = ~np.isnan(squares)
    sums = np.where(known, squares, 0).sum(axis=(1, 3), dtype=np.float32)
    counts = known.sum(axis=(1, 3))
    found = np.full(sums.shape, np.nan, np.float32)
    np.divide(sums, counts, out=found, where=counts > 0, dtype=np.float32)
    return found


class Regions(ABC):
    """An open image.

    Attributes:
        size: Height and width.
    """

    size: tuple[int, int]

    @abstractmethod
    def read(self, window: Window) -> Picture:
        """The pixels of a window, with the channels asked for."""


@contextmanager
def open_regions(
    path: str | os.PathLike[str], *, channels: int, how: Reading = DEFAULT
) -> Iterator[Regions]:
    """Open an image of any size to read windows of it.

    Of a TIFF in tiles or strips of whole bytes, in a compression that tifffile decodes, only those
    are read that a window touches; everything else is decoded whole, through the same door as all
    images. Errors inside that are not those of reading a window are the caller's own.

    Raises:
        UnusableImage: Whatever is wrong with the file, also when a window is read inside.
    """
    with ExitStack() as stack:
        with decoding(path):
            pieces = _pieces(path, channels, how, stack)
        unlimited = replace(how, max_pixels=EVERYTHING, max_bytes=EVERYTHING)
        yield pieces or DecodedRegions(open_image(path, channels=channels, how=unlimited))


def _pieces(
    path: str | os.PathLike[str], channels: int, how: Reading, stack: ExitStack
) -> "Pieces | None":
    """A TIFF of which single tiles or strips can be read, open as long as the stack is."""
    file = stack.enter_context(opened(path, EVERYTHING))
    if kind_of(file) != "TIFF":
        return None
    from fcmae.data.tiff_planes import chosen, open_tiff, planes_of

    tiff = stack.enter_context(open_tiff(file))
    planes = planes_of(tiff, how)
    if how.planes == "channels" and len(planes) > 1:
        return None
    plane = chosen(planes, how)
    if not has_pieces(plane):
        return None
    pieces = Pieces(path, plane, channels, how)
    stack.callback(pieces.forget)
    return pieces


class DecodedRegions(Regions):
    """A picture that is in memory."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.size = (picture.shape[0], picture.shape[1])

    def read(self, window: Window) -> Picture:
        """A view of it."""
        return self.picture[window.slices]


class Pieces(Regions):
    """A page of a TIFF, whose tiles or strips are decoded when they are asked for.

    The last ones are kept, at least one; a strip is as wide as the image, so that every window of a
    row touches it.
    """

    def __init__(
        self, path: str | os.PathLike[str], plane: "Plane", channels: int, how: Reading
    ) -> None:
        from fcmae.data.bands import Bands

        page = plane.page
        self.path, self.channels = path, channels
        self.keyframe, self.page = page, plane.series[plane.pages[0]]
        self.bands = Bands.of(page, how.nodata)
        self.size = (page.imagelength, page.imagewidth)
        self.side = (
            (page.tilelength, page.tilewidth)
            if page.is_tiled
            else (min(page.rowsperstrip, page.imagelength), page.imagewidth)
        )
        self.columns = math.ceil(page.imagewidth / self.side[1])
        self.rows = math.ceil(page.imagelength / self.side[0])
        piece_bytes = math.prod(self.side) * page.samplesperpixel * page.dtype.itemsize
        self._decoded = lru_cache(max(1, KEPT_BYTES // piece_bytes))(self._decode)

    def read(self, window: Window) -> Picture:
        """Pasted together from the tiles that the window touches."""
        with decoding(self.path):
            picture = self.bands.meant(self._pasted(window), self.channels)
            if self.bands.marks and picture.dtype == np.uint8:
                # As where pixels are missing, so that all windows have one type.
                picture = picture.astype(np.float32) / np.float32(255)
            return with_channels(picture, self.channels)

    def _pasted(self, window: Window) -> NDArray[Any]:
        pixels = np.zeros(
            (window.height, window.width, self.keyframe.samplesperpixel), dtype=self.keyframe.dtype
        )
        ends = (window.top + window.height, window.left + window.width)
        rows, columns = (
            range(start // side, math.ceil(end / side))
            for start, end, side in zip((window.top, window.left), ends, self.side, strict=True)
        )
        for row, column in product(rows, columns):
            self._paste(pixels, window, row, column)
        return pixels

    def forget(self) -> None:
        """Let go of the pieces that are kept, which hold this object as it holds them."""
        self._decoded.cache_clear()

    def _paste(self, pixels: NDArray[Any], window: Window, row: int, column: int) -> None:
        """Lay what a window shows of one tile where it belongs."""
        top, left = row * self.side[0] - window.top, column * self.side[1] - window.left
        tile = self._decoded(row * self.columns + column)[max(-top, 0) :, max(-left, 0) :]
        place = pixels[max(top, 0) :, max(left, 0) :]
        height, width = (min(a, b) for a, b in zip(tile.shape[:2], place.shape[:2], strict=True))
        place[:height, :width] = tile[:height, :width]

    def _decode(self, index: int) -> NDArray[Any]:
        """A tile or strip, height x width x channels."""
        if self.keyframe.planarconfig == 1:
            return self._segment(index)
        each = range(self.keyframe.samplesperpixel)
        of_channels = [self._segment(index + i * self.columns * self.rows) for i in each]
        return np.concatenate(of_channels, axis=2)

    def _segment(self, index: int) -> NDArray[Any]:
        """A tile or strip of the file; one that was never written has the value of missing ones."""
        from fcmae.data.tiff_pixels import is_missing

        page, keyframe = self.page, self.keyframe
        offset, count = page.dataoffsets[index], page.databytecounts[index]
        handle = keyframe.parent.filehandle
        if is_missing(offset, count, handle.size):
            raise Refused("damaged: its pixels lie beyond the end of the file")
        if count == 0:
            samples = keyframe.samplesperpixel if keyframe.planarconfig == 1 else 1
            return np.full((*self.side, samples), keyframe.nodata, dtype=keyframe.dtype)
        handle.seek(offset)
        decoded, _, _ = keyframe.decode(handle.read(count), index, jpegtables=keyframe.jpegtables)
        piece: NDArray[Any] = decoded[0]
        return piece


def has_pieces(plane: "Plane") -> bool:
    """Returns whether tiles or strips of a plane mean alone what they mean in the whole."""
    from fcmae.data.bands import Bands
    from fcmae.data.packed_bits import is_packed
    from fcmae.data.tiff_pixels import decodable, has_own_samples

    page = plane.page
    in_one_page = len(plane.pages) == 1 and not (plane.series.is_truncated and plane.pages[0])
    if not in_one_page or plane.columns_are_channels or plane.series[plane.pages[0]] is None:
        return False
    if not has_own_samples(page) or not decodable(page) or is_packed(page):
        return False
    bands = Bands.of(page)
    known = page.dtype is not None and page.dtype.kind in "uif" and page.imagedepth == 1
    return known and bands.orientation == 1 and (bands.opacity is None or bands.sure)
