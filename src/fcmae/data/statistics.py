"""Statistics of the channels of a data set, measured over a sample of its images."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcmae.data.deep_colour import is_deep_png
from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.image_store import FileStore
from fcmae.data.modes import SIXTEEN_BITS, Picture
from fcmae.data.open_file import FORMATS, entrance, kind_of
from fcmae.data.options import DEFAULT, Loader, Reading
from fcmae.errors import DataError
from fcmae.flags import option
from fcmae.randomness import integer, permutation

IMAGES = 256
"""Images that are measured, drawn from all."""

PIXELS = 4096
"""Pixels that are taken of each of them, spread evenly."""

LOOKED_AT = 32
"""Images whose kind is looked at, from the first to the last."""

PERCENTILES = (0.1, 99.9)
"""Values beyond these count as if they were these, so that hot pixels decide nothing."""

MARKS = (-9999.0, -32768.0, -32767.0, -99999.0, -999.0, -99.0, 1e20)
"""Numbers by which rasters without a tag mark missing pixels."""

DIGITS = 6
"""Digits of a measured number: sums differ in the last ones from processor to processor."""

EIGHT_BITS = {"1": 1, "L": 1, "LA": 1, "P": 3, "PA": 3, "RGB": 3, "RGBA": 3, "CMYK": 3, "YCbCr": 3}
"""Channels of the modes of Pillow with 8 bits, opacity laid on white."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Kinds of the images of a data set.

    Attributes:
        channels: How many images have how many channels.
        eight_bits: Whether all are grey or colour of 8 bits.
    """

    channels: Counter[int]
    eight_bits: bool

    @property
    def number(self) -> int:
        """Channels that a model of these images takes: 3 where grey and colour are mixed.

        Raises:
            DataError: They differ, and no number goes with all of them.
        """
        numbers = set(self.channels)
        if len(numbers) == 1:
            return numbers.pop()
        if numbers == {1, 3}:
            return 3
        found = ", ".join(f"{count} with {number}" for number, count in self.channels.most_common())
        raise DataError(
            f"the images have different numbers of channels (of {self.channels.total()} that were "
            f"looked at: {found}), but a model takes one: {option('encoder.channels')} says which, "
            "images with others are left out."
        )


@dataclass(frozen=True, kw_only=True)
class ChannelStatistics:
    """Values of one channel, in the units of ``fcmae.data.image``.

    Attributes:
        low: The percentile 0.1.
        high: The percentile 99.9.
        mean: Mean, values beyond these percentiles counted as these.
        std: Standard deviation, in the same way; 1 of a constant channel.
        missing: Share of missing pixels.
        constant: Whether nearly all pixels have one value.
    """

    low: float
    high: float
    mean: float
    std: float
    missing: float
    constant: bool


@dataclass(frozen=True, kw_only=True)
class Statistics:
    """Values of all channels.

    Attributes:
        channels: Of each channel.
        images: How many images were measured.
        mark: Number that was found to mark missing pixels, though nothing says so; None if none.
    """

    channels: tuple[ChannelStatistics, ...]
    images: int
    mark: float | None = None

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel."""
        return tuple(channel.mean for channel in self.channels)

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel."""
        return tuple(channel.std for channel in self.channels)

    def __str__(self) -> str:
        mean, std = (" ".join(f"{x:.3g}" for x in values) for values in (self.mean, self.std))
        text = f"mean {mean}, standard deviation {std}"
        missing = sum(channel.missing for channel in self.channels) / len(self.channels)
        if missing > 0:
            text += f", {max(missing, 0.001):.1%} of pixels missing"
        if self.mark is not None:
            text += (
                f" (those of {self.mark:g}; {option('loader.nodata', 'nan')} reads it as a number)"
            )
        constant = [str(i + 1) for i, channel in enumerate(self.channels) if channel.constant]
        if constant:
            text += f"; channel {' and '.join(constant)} is constant"
        return text


def look_at(images: ImageList, how: Reading = DEFAULT) -> Seen:
    """The kinds of some images, from their headers where those tell.

    Args:
        images: The images.
        how: What becomes of planes, and limits.

    Raises:
        DataError: None of them can be used.
    """
    channels, eight_bits, reason = Counter[int](), True, ""
    for index in sorted({i * len(images) // LOOKED_AT for i in range(LOOKED_AT)}):
        try:
            number, of_eight_bits = _kind(images, index, how)
        except UnusableImage as error:
            reason = f"{images.name(index)}: {error.reason}"
            continue
        channels[number] += 1
        eight_bits &= of_eight_bits and number in (1, 3)
    if not channels:
        raise DataError(f"no image can be used, such as {reason}.")
    return Seen(channels=channels, eight_bits=eight_bits)


def _kind(images: ImageList, index: int, how: Reading) -> tuple[int, bool]:
    """Channels of an image, and whether they have 8 bits."""
    store = images.store
    if isinstance(store, FileStore) and how.planes != "channels":
        with entrance(store.path(index), how.max_bytes) as file:
            if kind_of(file) != "TIFF":
                image = Image.open(file, formats=FORMATS)
                if image.mode in EIGHT_BITS and not is_deep_png(image):
                    return EIGHT_BITS[image.mode], True
    picture = store.open(index, how=how)
    return picture.shape[2], picture.dtype == np.uint8


def measure(images: ImageList, *, channels: int, loader: Loader, most: int = IMAGES) -> Statistics:
    """Measures every channel over a sample of images.

    Args:
        images: The images.
        channels: What the model takes; images of others are left out.
        loader: Limits, and what marks missing pixels.
        most: Images to measure at most.

    Raises:
        DataError: None of the sample can be used.
    """
    taken = sampled(images, channels=channels, loader=loader, most=most)
    if not taken:
        drawn = min(len(images), most)
        raise DataError(f"none of {drawn} images that were measured can be used.")
    return of_sample(taken, loader)[0]


def sampled(
    images: ImageList, *, channels: int, loader: Loader, most: int
) -> list[NDArray[np.float32]]:
    """Some pixels of each of some images, as ``measure`` takes them; of usable images alone."""
    taken = list[NDArray[np.float32]]()
    for index in drawn_of(len(images), most):
        try:
            picture = images.store.open(index, channels=channels, how=loader.reading)
        except UnusableImage:
            continue
        taken.append(pixels_of(picture, index))
    return taken


def drawn_of(number: int, most: int = IMAGES) -> list[int]:
    """Indices of the images that are measured, of so many."""
    drawn: list[int] = permutation(0, "statistics", length=number)[:most].tolist()
    return drawn


def of_sample(
    taken: Sequence[NDArray[np.float32]], loader: Loader
) -> tuple[Statistics, NDArray[np.float32]]:
    """The statistics of some pixels of each image, and all these pixels, NaN where missing."""
    pixels, mark = np.concatenate(taken), None
    if loader.nodata is None:
        mark = _mark(pixels)
    return replace(statistics_of(pixels, images=len(taken)), mark=mark), pixels


def _mark(pixels: NDArray[np.float32]) -> float | None:
    """Replaces the number that marks missing pixels by NaN, and returns it; None if there is none.

    It is one of ``MARKS`` that lies apart from all other values, in some channel by more than their
    range.
    """
    for number in MARKS:
        for unit in (1, SIXTEEN_BITS):
            marked = pixels == np.float32(number / unit)
            if marked.any() and any(map(_apart, pixels.T, marked.T)):
                pixels[marked] = np.nan
                return number
    return None


def _apart(values: NDArray[np.float32], marked: NDArray[np.bool_]) -> bool:
    """Returns whether the marked values of a channel are far from the others."""
    others = values[~marked & ~np.isnan(values)]
    if not marked.any() or others.size == 0:
        return False
    low, high = np.percentile(others, PERCENTILES)
    mark = values[marked][0]
    return bool(max(others.min() - mark, mark - others.max()) > high - low)


def pixels_of(picture: Picture, index: int) -> NDArray[np.float32]:
    """Some pixels of the picture of this index, pixels x channels, uint8 scaled to [0, 1]."""
    rows, draw = picture.reshape(-1, picture.shape[2]), integer(0, "statistics", index)
    if len(rows) > PIXELS:
        step = len(rows) / PIXELS
        rows = rows[((np.arange(PIXELS) + (draw % 1000) / 1000) * step).astype(np.int64)]
    return rows.astype(np.float32) / np.float32(255 if picture.dtype == np.uint8 else 1)


def statistics_of(pixels: NDArray[np.float32], *, images: int) -> Statistics:
    """Statistics of pixels x channels, NaN where missing."""
    return Statistics(
        channels=tuple(_channel(values) for values in pixels.T.astype(np.float64)), images=images
    )


def _channel(values: NDArray[np.float64]) -> ChannelStatistics:
    known = values[~np.isnan(values)]
    missing = 1 - known.size / max(1, values.size)
    if known.size == 0:
        return ChannelStatistics(low=0, high=0, mean=0, std=1, missing=1, constant=True)
    low, high = np.percentile(known, PERCENTILES)
    known = known.clip(low, high)
    constant = bool(low == high)
    mean, std = known.mean(), 1.0 if constant else known.std()
    low, high, mean, std = (float(f"{x:.{DIGITS}g}") for x in (low, high, mean, std))
    return ChannelStatistics(
        low=low, high=high, mean=mean, std=std, missing=missing, constant=constant
    )
