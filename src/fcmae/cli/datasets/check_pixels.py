"""The pixels of a data set: a row for each channel, and what a training does with them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.data.pixel_type import highest, unit
from fcmae.data.pixels import Measuring, Named, PixelTotals, TypeTotals, in_file
from fcmae.data.statistics import Seen, Statistics, drawn_of, look_at, of_sample
from fcmae.errors import DataError
from fcmae.files.journal import Journal
from fcmae.flags import option
from fcmae.loss.options import Target
from fcmae.setup.statistics import is_given, is_measured
from fcmae.setup.words import number

MANY = 0.001
"""Share of pixels with the greatest value of a channel from which they count as saturated."""

SHOWN = (0.1, 50, 99.9)
"""Percentiles of the table."""

VIEWED = 64
"""Images over which the constant answer is judged."""

SIZE, PATCH = 224, 32
"""Sides of the crops and patches of a pre-training by default."""


@dataclass(frozen=True, kw_only=True)
class ChannelValues:
    """Values of a channel, as the files have them.

    Percentiles, mean, deviation and the most frequent value are those of a sample: up to 256 images
    of the part to train on, up to 4,096 pixels of each. All else is of every pixel. A value is None
    where all pixels are missing.

    Attributes:
        channel: Its number, from 1.
        type: Of the numbers in the files: uint8, uint16, int16, float32, ...
        least: The least value.
        low: Percentile 0.1.
        median: Percentile 50.
        high: Percentile 99.9.
        greatest: The greatest value.
        mean: Mean, values beyond the two outer percentiles counted as these.
        std: Standard deviation, in the same way.
        missing: Share of missing pixels: NaN, nodata, or a number that was found to mark them.
        saturated: Share of pixels with the greatest value of the type, or with the greatest of the
            data where at least one in a thousand has it.
        most_frequent: The most frequent value.
        most_frequent_share: Share of pixels that have it.
        constant: Whether nearly all pixels have one value.
    """

    channel: int
    type: str
    least: float | None
    low: float | None
    median: float | None
    high: float | None
    greatest: float | None
    mean: float | None
    std: float | None
    missing: float
    saturated: float
    most_frequent: float | None
    most_frequent_share: float
    constant: bool


@dataclass(frozen=True, kw_only=True)
class PixelReport:
    """What a person would want to know of the pixels of a data set.

    Attributes:
        channels: A row for each channel; none where no image could be used.
        notes: What a training does with them, and what is odd, a sentence each.
        loader: Reading as a training without weights decides it.
        sample: Some pixels as a model gets them, NaN where missing.
    """

    channels: list[ChannelValues]
    notes: list[str]
    loader: Loader
    sample: NDArray[np.float32]


class PixelCheck:
    """Gathers the pixels of a data set while it is checked.

    Args:
        images: The images to train on.
        loader: How they are read.
    """

    def __init__(self, images: ImageList, loader: Loader) -> None:
        self.loader, self.differ = loader, ""
        self.seen: Seen | None = None
        if not len(images):
            return
        try:
            self.seen = look_at(images, loader.reading)
        except DataError:
            return
        try:
            channels = self.seen.number
        except DataError as error:
            self.differ = str(error)
            channels = self.seen.channels.most_common(1)[0][0]
        self.totals = PixelTotals(channels=channels)
        self._drawn = frozenset(drawn_of(len(images)))

    def measuring(self, *, first: bool) -> Measuring | None:
        """What to measure of a part, of which the first is the one to train on."""
        if self.seen is None:
            return None
        drawn = self._drawn if first else frozenset()
        return Measuring(channels=self.totals.channels, sampled=drawn)

    def report(self) -> PixelReport | None:
        """Adds up what was gathered; None if nothing could be used."""
        if self.seen is None or not self.totals.sample:
            return None
        totals = self.totals
        statistics, sample = of_sample(totals.sample, self.loader)
        main = totals.main_type
        rows = [
            _channel(index, main, totals.types[main], statistics, sample[:, index])
            for index in range(totals.channels)
        ]
        loader = self.loader
        if is_measured(loader, eight_bits=self.seen.eight_bits):
            loader = replace(loader, mean=statistics.mean, std=statistics.std)
        if loader.nodata is None:
            loader = replace(loader, nodata=statistics.mark)
        sentences = [*self._plan(statistics), *_oddities(totals, rows)]
        return PixelReport(channels=rows, notes=sentences, loader=loader, sample=sample)

    def _plan(self, statistics: Statistics) -> Iterator[str]:
        """What a training without weights does with the pixels."""
        assert self.seen is not None
        own = option("loader.statistics", "data")
        by = f"the mean and deviation of ImageNet ({own} takes their own)"
        if is_given(self.loader):
            by = f"the mean and deviation of {option('loader.mean')} and {option('loader.std')}"
        elif is_measured(self.loader, eight_bits=self.seen.eight_bits):
            by = f"their own mean and deviation, measured on {number(statistics.images, 'image')}"
        if self.differ:
            yield f"{self.differ[0].upper()}{self.differ[1:]}"
        yield (
            f"A training from scratch takes {number(self.totals.channels, 'channel')}, and "
            f"normalises images by {by}."
        )
        if statistics.mark is not None:
            yield (
                f"Pixels of {statistics.mark:g} are taken for missing ones, though no file says so "
                f"({option('loader.nodata', 'nan')} takes them for numbers)."
            )


def constant_answer(images: ImageList, report: PixelReport) -> float | None:
    """The loss of pre-training that an answer gets which never looks at an image."""
    from fcmae.analysis.constant_answer import constant_loss
    from fcmae.data.augment import Pretraining
    from fcmae.data.feed import evaluation_batches
    from fcmae.evaluation.viewing import sample

    batches = evaluation_batches(
        replace(sample(images, VIEWED, 0), labels=None, annotations=None),
        Pretraining((SIZE, SIZE)),
        loader=report.loader,
        channels=len(report.channels),
        batch_size=16,
        or_none=True,
    )
    return constant_loss(batches, Target(), side=PATCH)


def draw(report: PixelReport, path: Path) -> Path:
    """Draws the histogram of each channel.

    Raises:
        StorageError: A file of others is there, or it cannot be written.
    """
    from fcmae.analysis.histograms import histograms

    kind = report.channels[0].type
    values = in_file(report.sample, kind)
    journal = Journal(path.parent, "files")
    with journal.writing(path.name) as staged:
        histograms(values.T, f"values of {kind}", staged)
    return path


def _channel(
    index: int, kind: str, totals: TypeTotals, statistics: Statistics, sample: NDArray[np.float32]
) -> ChannelValues:
    known, of_data = sample[~np.isnan(sample)], statistics.channels[index]
    exact = int(totals.missing[index])
    there = totals.pixels - exact
    greatest = float(totals.greatest[index])
    at_greatest = totals.at_greatest[index] / max(1, there)
    is_full = greatest == highest(kind) or at_greatest >= MANY
    constant = bool(totals.least[index] == greatest)
    row = {
        "channel": index + 1,
        "type": kind,
        "missing": max(exact / totals.pixels, of_data.missing if statistics.mark else 0.0),
        "saturated": float(at_greatest) if is_full and not constant else 0.0,
        "constant": bool(constant or of_data.constant),
    }
    names = ("least", "greatest", "low", "median", "high", "mean", "std", "most_frequent")
    if known.size == 0 or there == 0:
        return ChannelValues(**row, **dict.fromkeys(names), most_frequent_share=0.0)  # type: ignore[arg-type]
    values, counts = np.unique(known, return_counts=True)
    numbers = [*np.percentile(known, SHOWN), values[counts.argmax()]]
    low, median, high, frequent = in_file(np.array(numbers), kind).tolist()
    return ChannelValues(
        **row,  # type: ignore[arg-type]
        least=float(totals.least[index]),
        greatest=greatest,
        low=low,
        median=median,
        high=high,
        mean=of_data.mean * unit(kind),
        std=0.0 if of_data.constant else of_data.std * unit(kind),
        most_frequent=frequent,
        most_frequent_share=float(counts.max() / known.size),
    )


def _oddities(totals: PixelTotals, rows: list[ChannelValues]) -> Iterator[str]:
    """What a person should look at."""
    main = totals.main_type
    for kind, other in totals.types.items():
        if kind != main:
            yield (
                f"{_have(other.files, f'numbers of type {kind}')}, not {main} as most: "
                f"{_names(other.files)}. The table leaves out such images."
            )
    constant = [str(row.channel) for row in rows if row.constant]
    if constant:
        many = len(constant) > 1
        yield (
            f"Channel{'s' * many} {' and '.join(constant)} {'are' if many else 'is'} constant: "
            f"{'they tell' if many else 'it tells'} a model nothing."
        )
    far = totals.far()
    if far.count:
        yield (
            f"{_have(far, 'values far from those of the others')}: {_names(far)}. Are they scaled "
            "in another way?"
        )
    if totals.flat.count:
        yield f"{_have(totals.flat, 'one colour only')}: {_names(totals.flat)}."


def _have(files: Named, what: str) -> str:
    return f"{number(files.count, 'image')} {'has' if files.count == 1 else 'have'} {what}"


def _names(files: Named) -> str:
    more = files.count - len(files.names)
    return ", ".join(files.names) + (f" and {more} more" if more else "")
