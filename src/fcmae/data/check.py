"""Decode every file once, and say which ones no run could use."""

import signal
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from statistics import median_low

import numpy as np

from fcmae.data.annotations import IGNORE
from fcmae.data.cores import num_workers
from fcmae.data.facts import Facts, remarks
from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture, Refused, with_channels
from fcmae.data.options import Loader
from fcmae.data.pixels import Measuring, PictureValues, values_of

CHUNK = 16


@dataclass(frozen=True, kw_only=True)
class FileFinding:
    """Result of checking one file.

    Attributes:
        path: Relative to the folder or list, as shown to people.
        reason: Why it cannot be used, or None if it can.
        height: In pixels, once upright.
        width: In pixels, once upright.
        kind: Channels and depth, such as "3 channels of 8 bits".
        classes: Indices of the classes that its labels show.
        remarks: What else a person would want to know, each to be read after "1 file has".
        values: Numbers of its pixels, if they are asked for and it has the channels.
    """

    path: str
    reason: str | None = None
    height: int = 0
    width: int = 0
    kind: str = ""
    classes: tuple[int, ...] = ()
    remarks: tuple[str, ...] = ()
    values: PictureValues | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """The images to check, how they are read, and what is measured of their pixels."""

    images: ImageList
    loader: Loader
    measuring: Measuring | None


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """The files of a data set.

    Attributes:
        usable: How many can be used.
        unusable: (path, reason) of the others, and of what was found but set aside by its name.
        kinds: How many pictures there are of each kind, the most frequent first.
        heights: Smallest, median and largest.
        widths: Smallest, median and largest.
        classes: In how many images labels show each class, by its index.
        remarks: In how many files each remark holds, the most frequent first.
    """

    usable: int
    unusable: list[tuple[str, str]]
    kinds: dict[str, int]
    heights: tuple[int, int, int]
    widths: tuple[int, int, int]
    classes: dict[int, int] = field(default_factory=dict)
    remarks: dict[str, int] = field(default_factory=dict)


def check(
    images: ImageList,
    *,
    loader: Loader | None = None,
    found: Callable[[FileFinding], object] | None = None,
) -> CheckReport:
    """Decode every image of a list.

    Args:
        images: From ``find_images``.
        loader: Limits, and how many processes decode.
        found: Called for each file in turn, for a progress bar.
    """
    findings = []
    for finding in inspect(images, loader or Loader()):
        findings.append(finding)
        if found is not None:
            found(finding)
    return report_of(findings, images.set_aside)


def report_of(
    findings: Sequence[FileFinding], set_aside: Sequence[tuple[str, str]] = ()
) -> CheckReport:
    """Adds up findings, with what was set aside by its name."""
    good = [finding for finding in findings if finding.reason is None]
    bad = [(finding.path, finding.reason) for finding in findings if finding.reason is not None]
    return CheckReport(
        usable=len(good),
        unusable=sorted([*bad, *set_aside]),
        kinds=dict(Counter(finding.kind for finding in good).most_common()),
        heights=_spread([finding.height for finding in good]),
        widths=_spread([finding.width for finding in good]),
        classes=dict(Counter(label for finding in good for label in finding.classes)),
        remarks=dict(Counter(said for finding in good for said in finding.remarks).most_common()),
    )


def _spread(values: Sequence[int]) -> tuple[int, int, int]:
    return (min(values), median_low(values), max(values)) if values else (0, 0, 0)


def inspect(
    images: ImageList, loader: Loader, measuring: Measuring | None = None
) -> Iterator[FileFinding]:
    """A finding for each image, in the list's order. A file that kills its decoder is named.

    Args:
        images: The images.
        loader: Limits, and how many processes decode.
        measuring: What to measure of pixels; nothing by default.
    """
    asked = _Asked(images=images, loader=loader, measuring=measuring)
    chunks = [range(i, min(i + CHUNK, len(images))) for i in range(0, len(images), CHUNK)]
    workers = num_workers(loader, num_tasks=len(chunks))
    if workers == 0:
        yield from (_inspect(asked, index) for index in range(len(images)))
        return
    done = 0
    while done < len(chunks):
        pool = ProcessPoolExecutor(workers, initializer=_start, initargs=(asked,))
        try:
            for findings in pool.map(_inspect_chunk, chunks[done:]):
                yield from findings
                done += 1
        except BrokenProcessPool:
            yield from _one_by_one(asked, chunks[done])
            done += 1
        finally:
            pool.shutdown(cancel_futures=True)


def _one_by_one(asked: _Asked, chunk: range) -> Iterator[FileFinding]:
    """A process for each file: whichever dies names its file."""
    for index in chunk:
        with ProcessPoolExecutor(1, initializer=_start, initargs=(asked,)) as pool:
            try:
                yield from pool.submit(_inspect_chunk, range(index, index + 1)).result()
            except BrokenProcessPool:
                yield FileFinding(path=asked.images.name(index), reason="its decoder crashed")


def _inspect(asked: _Asked, index: int) -> FileFinding:
    images = asked.images
    try:
        picture = images.store.open(index, how=asked.loader.reading)
        facts = images.store.facts(index, asked.loader.reading)
        seen = _classes(images, index, (picture.shape[0], picture.shape[1]))
    except UnusableImage as error:
        return FileFinding(path=images.name(index), reason=error.reason)
    height, width, channels = picture.shape
    depth = "8 bits" if picture.dtype == "uint8" else "more than 8 bits"
    kind = f"{channels} channel{'s' * (channels > 1)} of {depth}"
    said = () if facts is None else remarks(facts, channels, asked.loader.reading)
    return FileFinding(
        path=images.name(index),
        height=height,
        width=width,
        kind=kind,
        classes=seen,
        remarks=said,
        values=_values(asked.measuring, index, picture, facts),
    )


def _values(
    measuring: Measuring | None, index: int, picture: Picture, facts: Facts | None
) -> PictureValues | None:
    """The numbers of a picture; None where a training could not take its channels."""
    if measuring is None:
        return None
    try:
        fitting = with_channels(picture, measuring.channels)
    except Refused:
        return None
    kind = str(picture.dtype) if facts is None or picture.dtype == np.uint8 else facts.dtype
    if facts is not None and facts.dtype == "bool":
        kind = facts.dtype
    return values_of(fitting, kind, index, measuring)


def _classes(images: ImageList, index: int, size: tuple[int, int]) -> tuple[int, ...]:
    """The classes in an image's labels; wrong labels raise ``UnusableImage`` here too."""
    if images.annotations is None:
        return ()
    annotation = images.annotations.read(index, size)
    labels = annotation.get("mask", annotation.get("labels"))
    return () if labels is None else tuple(k for k in np.unique(labels).tolist() if k != IGNORE)


# What every task of a process of the pool needs; sent once rather than with each task.
_shared: list[_Asked] = []


def _start(asked: _Asked) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process answers Ctrl-C
    _shared[:] = [asked]


def _inspect_chunk(chunk: range) -> list[FileFinding]:
    return [_inspect(_shared[0], index) for index in chunk]
