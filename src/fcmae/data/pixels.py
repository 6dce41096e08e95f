"""Measures the pixels of a data set picture by picture, in the numbers of its files."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.modes import Picture
from fcmae.data.pixel_type import is_whole, unit
from fcmae.data.statistics import pixels_of

NAMED = 3
"""Files that are named of each kind of oddity."""

LEVELS = 4
"""Steps in which the levels of pictures are counted, per factor of two."""

APART = 8.0
"""Factor between the levels of two pictures, none between, that no scene explains."""

BLOCK = 1024
"""Pixels that are compared at a time, so that the inner loop is long."""


@dataclass(frozen=True, kw_only=True)
class Measuring:
    """Asks for the pixels of pictures to be measured while they are checked.

    Attributes:
        channels: What a training takes.
        sampled: Indices of the images whose pixels go into the statistics.
    """

    channels: int
    sampled: frozenset[int]


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureValues:
    """Numbers of one picture, those of channels in an array each.

    Attributes:
        kind: Type in the file, such as uint16.
        pixels: How many.
        least: Least number; NaN where all pixels are missing.
        greatest: Greatest number.
        at_greatest: Pixels that have it.
        missing: Pixels that are missing.
        level: Size of the large numbers (percentile 99.9), as a model gets them.
        sample: Some pixels, as a model gets them; None if the image is not drawn.
    """

    kind: str
    pixels: int
    least: NDArray[np.float64]
    greatest: NDArray[np.float64]
    at_greatest: NDArray[np.int64]
    missing: NDArray[np.int64]
    level: float
    sample: NDArray[np.float32] | None

    @property
    def is_flat(self) -> bool:
        """True if the picture has one colour."""
        return bool(np.all((self.least == self.greatest) | np.isnan(self.least)))


def values_of(picture: Picture, kind: str, index: int, measuring: Measuring) -> PictureValues:
    """Measures a picture of this type and index."""
    rows = picture.reshape(-1, picture.shape[2])
    floats = picture.dtype != np.uint8
    least = _extreme(rows, np.fmin if floats else np.minimum)
    greatest = _extreme(rows, np.fmax if floats else np.maximum)
    columns = range(rows.shape[1])
    at_greatest = [np.count_nonzero(rows[:, c] == greatest[c]) for c in columns]
    missing = [np.count_nonzero(np.isnan(rows[:, c])) if floats else 0 for c in columns]
    sample = pixels_of(picture, index)
    return PictureValues(
        kind=kind,
        pixels=len(rows),
        least=in_file(least / (1 if floats else 255), kind),
        greatest=in_file(greatest / (1 if floats else 255), kind),
        at_greatest=np.array(at_greatest),
        missing=np.array(missing),
        level=_level(sample, kind),
        sample=sample if index in measuring.sampled else None,
    )


def in_file(values: NDArray[np.floating], kind: str) -> NDArray[np.float64]:
    """Numbers as a file of this type has them, of those of ``fcmae.data.image``."""
    numbers = values.astype(np.float64) * unit(kind)
    return np.rint(numbers) if is_whole(kind) else numbers


def _extreme(rows: NDArray[Any], function: np.ufunc) -> NDArray[np.float64]:
    """Least or greatest value of each channel; missing ones are left out."""
    count, channels = rows.shape
    whole = count - count % BLOCK
    found = rows[whole:]
    if whole:
        blocks = function.reduce(rows[:whole].reshape(-1, BLOCK * channels), axis=0)
        found = np.concatenate([blocks.reshape(BLOCK, channels), found])
    return np.asarray(function.reduce(found, axis=0), dtype=np.float64)


def _level(sample: NDArray[np.float32], kind: str) -> float:
    """Size of a picture's large numbers. 8 bits are used in full but by pictures of 0 and 1."""
    known = sample[~np.isnan(sample)]
    if known.size == 0:
        return 0.0
    high = float(np.percentile(known, 99.9))
    if kind == "uint8" and high > 1.5 / 255:
        return 1.0
    return abs(high or float(np.percentile(known, 0.1)))


@dataclass(kw_only=True)
class Named:
    """A count of files, and the names of the first ones."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str, number: int = 1) -> None:
        """Counts a file."""
        self.count += number
        if len(self.names) < NAMED:
            self.names.append(name)

    def join(self, other: "Named") -> None:
        """Counts what another has counted."""
        self.count += other.count
        self.names = [*self.names, *other.names][:NAMED]


@dataclass(kw_only=True)
class TypeTotals:
    """Numbers of all pictures of one type, as in ``PictureValues``."""

    files: Named = field(default_factory=Named)
    pixels: int = 0
    least: NDArray[np.float64]
    greatest: NDArray[np.float64]
    at_greatest: NDArray[np.int64]
    missing: NDArray[np.int64]

    @classmethod
    def of(cls, channels: int) -> "TypeTotals":
        """Those of no picture."""
        unknown, none = np.full(channels, np.nan), np.zeros(channels, np.int64)
        return cls(least=unknown, greatest=unknown, at_greatest=none, missing=none)

    def add(self, name: str, values: PictureValues) -> None:
        """Adds a picture."""
        self.files.add(name)
        self.pixels += values.pixels
        self.missing = self.missing + values.missing
        self.least = np.fmin(self.least, values.least)
        greatest = np.fmax(self.greatest, values.greatest)
        self.at_greatest = np.where(self.greatest == greatest, self.at_greatest, 0) + np.where(
            values.greatest == greatest, values.at_greatest, 0
        )
        self.greatest = greatest


@dataclass(kw_only=True)
class PixelTotals:
    """What is known of the pixels of a data set; its size does not grow with the data.

    Attributes:
        channels: What a training takes.
        types: Totals of the pictures of each type.
        flat: Pictures of one colour.
        sample: Pixels of the images that were drawn.
    """

    channels: int
    types: dict[str, TypeTotals] = field(default_factory=dict)
    flat: Named = field(default_factory=Named)
    sample: list[NDArray[np.float32]] = field(default_factory=list)
    _levels: dict[int, Named] = field(default_factory=dict)

    def add(self, name: str, values: PictureValues) -> None:
        """Adds a picture."""
        self.types.setdefault(values.kind, TypeTotals.of(self.channels)).add(name, values)
        if values.sample is not None:
            self.sample.append(values.sample)
        if values.is_flat:
            self.flat.add(name)
        elif values.level > 0:
            low, high = np.nanmin(values.least), np.nanmax(values.greatest)
            step = math.floor(math.log2(values.level) * LEVELS)
            said = f"{name} ({values.kind}, {low:.6g} to {high:.6g})"
            self._levels.setdefault(step, Named()).add(said)

    @property
    def main_type(self) -> str:
        """The type of most pictures."""
        return max(self.types, key=lambda kind: self.types[kind].files.count)

    def far(self) -> Named:
        """Pictures whose range differs grossly from that of most, each with its range."""
        groups = list(_groups(self._levels, lambda a, b: b - a > LEVELS * math.log2(APART)))
        others = sorted(groups, key=lambda group: group.count)[:-1]
        far = Named()
        for group in others:
            far.join(group)
        return far


def _groups(levels: dict[int, Named], apart: Callable[[int, int], bool]) -> Iterator[Named]:
    """Pictures of neighbouring levels together."""
    group, last = Named(), None
    for step in sorted(levels):
        if last is not None and apart(last, step):
            yield group
            group = Named()
        group.join(levels[step])
        last = step
    yield group
