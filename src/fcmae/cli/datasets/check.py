"""``fcmae check``: open every image, read every label, and name those that cannot be used."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from rich.console import Console as Terminal

from fcmae.cli.datasets.check_classes import count_classes
from fcmae.cli.datasets.check_notes import notes_on
from fcmae.cli.datasets.check_parts import DatasetParts, find_parts
from fcmae.cli.datasets.check_pixels import (
    ChannelValues,
    PixelCheck,
    PixelReport,
    constant_answer,
    draw,
)
from fcmae.cli.datasets.show_pixels import show_pixels
from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import (
    MAX_CLASSES,
    say,
    show_places,
    show_rest,
    show_table,
    show_unusable,
)
from fcmae.data.check import CheckReport, FileFinding, inspect, report_of
from fcmae.data.file_names import NOBODY_MISSES
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.values import ValueAnnotations
from fcmae.files.journal import Journal
from fcmae.files.results import unusable_files
from fcmae.notebook import Result
from fcmae.setup.words import number

MAX_PROBLEMS = 50
LABELS = {
    None: "images without labels",
    "classify": "images of classes",
    "segment": "images with label maps",
    "detect": "images with labels of objects",
    "values": "a list of images with values",
}
"""What the labels of a task are called."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """Open every image of a data set and read its labels; name what cannot be used.

    The exit code is 6 if a label is wrong or a file cannot be used (hidden and system files aside).
    """

    data: Path
    """Folder of images, read recursively, a .txt or .csv list; or images with labels as fcmae
    finetune takes them."""

    task: Literal["auto", "classify", "segment", "detect", "values"] = "auto"
    """What the images are labelled for; auto goes by what lies beside them."""

    kind: Literal["labels", "numbers"] | None = None
    """What the columns of a list of values are, as for fcmae finetune values."""

    unknown: float | None = None
    """Number that stands for a value that is not known, as for fcmae finetune values."""

    picture: Path | None = None
    """PNG file for the histograms of all channels."""

    labels: LabelMapOptions = LabelMapOptions()
    loader: Loader = Loader()

    def __post_init__(self) -> None:
        if self.picture is None:
            return
        if self.picture.suffix.lower() != ".png" or not self.picture.parent.is_dir():
            raise ValueError(
                f"picture is {self.picture}, but must be a .png file in a folder that is there."
            )


@dataclass(frozen=True, kw_only=True)
class Checked(Result):
    """Contents of a data set.

    Attributes:
        usable: How many files are images that can be used.
        unusable: The others, with the reason.
        classes: Images of each class, where folders or a list tell classes; images that show each
            class, where masks or objects do. The classes are those of the part to train on; the
            images are counted over all parts.
        kinds: How many images there are of each kind, such as "3 channels of 8 bits".
        remarks: In how many files there is something that a person would want to know, such as
            "5 planes, of which the first is used".
        heights: Smallest, median and largest height of the usable images in pixels.
        widths: Smallest, median and largest width.
        fingerprint: Changes when the data set does.
        problems: Labels that are wrong: file, where in it, and what is wrong.
        parts: Images of each part, where there are several.
        task: What the labels were taken for: classify, segment, detect, values; None if there are
            none.
        values: Of each column of numbers: in how many images it is known, the lowest and the
            highest.
        notes: What was understood of the images and labels, a sentence each.
        channels: Values of each channel that a training takes.
        pixel_notes: What a training does with them, and what is odd, a sentence each.
        constant_answer: Loss of pre-training of the best answer that never looks at an image.
        picture: The histograms of the channels.
    """

    usable: int
    unusable: list[dict[str, str]]
    classes: dict[str, int] | None
    kinds: dict[str, int]
    heights: tuple[int, int, int]
    widths: tuple[int, int, int]
    fingerprint: str
    problems: list[dict[str, str]] = field(default_factory=list)
    parts: dict[str, int] = field(default_factory=dict)
    task: str | None = None
    values: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    remarks: dict[str, int] = field(default_factory=dict)
    channels: list[ChannelValues] = field(default_factory=list)
    pixel_notes: list[str] = field(default_factory=list)
    constant_answer: float | None = None
    picture: Path | None = None

    @property
    def sound(self) -> bool:
        """True if all labels are right and all files usable but those that nobody would miss."""
        missed = [entry for entry in self.unusable if entry["reason"] not in NOBODY_MISSES]
        return not self.problems and not missed


def check(options: Check, console: Console) -> Checked:
    """Open every image through the same door that training uses, and its labels with it."""
    parts = find_parts(options.data, options.task, options.labels, options.kind, options.unknown)
    findings, aside = list[FileFinding](), list[tuple[str, str]]()
    if options.picture is not None:
        Journal(options.picture.parent, "files").refuse_others([options.picture.name])
    [to_train, *_] = parts.images.values()
    pixels = PixelCheck(to_train, options.loader)
    for images in parts.images.values():
        measuring = pixels.measuring(first=images is to_train)
        aside += [(_inside(path, images, options.data), why) for path, why in images.set_aside]
        with console.counting("checking", len(images)) as count:
            for finding in inspect(images, options.loader, measuring):
                path = _inside(finding.path, images, options.data)
                if finding.values is not None:
                    pixels.totals.add(path, finding.values)
                findings.append(replace(finding, path=path, values=None))
                count(1)
    report = report_of(findings, aside)
    of_pixels = pixels.report()
    several = len(parts.images) > 1
    prints = [images.fingerprint() for images in parts.images.values()]
    return Checked(
        usable=report.usable,
        unusable=unusable_files(report.unusable),
        classes=_classes(parts, report),
        kinds=report.kinds,
        heights=report.heights,
        widths=report.widths,
        fingerprint=hashlib.sha256(" ".join(prints).encode()).hexdigest() if several else prints[0],
        problems=[vars(problem) for problem in parts.problems],
        parts={name: len(images) for name, images in parts.images.items()} if several else {},
        task=parts.task,
        values=_values(parts),
        notes=list(dict.fromkeys(notes_on(parts))),
        remarks=report.remarks,
        **_pixels(of_pixels, to_train, options.picture),
    )


def _pixels(report: PixelReport | None, images: ImageList, picture: Path | None) -> dict[str, Any]:
    """The fields of the result that are about pixels."""
    if report is None:
        return {}
    return {
        "channels": report.channels,
        "pixel_notes": report.notes,
        "constant_answer": constant_answer(images, report),
        "picture": None if picture is None else draw(report, picture),
    }


def show_checked(result: Checked, terminal: Terminal) -> None:
    """Shows the parts, counts, sizes, and what cannot be used."""
    say(terminal, f"Checked as {LABELS[result.task]} (--task names another kind).")
    if result.classes:
        rows = [(name, f"{count:,}") for name, count in list(result.classes.items())[:MAX_CLASSES]]
        show_table(terminal, ("class", "images"), rows)
        show_rest(len(result.classes), terminal)
    if result.values:
        columns = ("value", "known", "lowest", "highest")
        ranges = [
            tuple(_cell(row[name]) for name in ("name", *columns[1:])) for row in result.values
        ]
        show_table(terminal, columns, ranges)
    for name, count in result.parts.items():
        say(terminal, f"{name} has {number(count, 'image')}.")
    for note in result.notes:
        say(terminal, note)
    for kind, count in result.kinds.items():
        say(terminal, f"{number(count, 'image')} {'has' if count == 1 else 'have'} {kind}.")
    for remark, count in result.remarks.items():
        say(terminal, f"{number(count, 'file')} {'has' if count == 1 else 'have'} {remark}.")
    if result.usable:
        for name, (low, middle, high) in (("height", result.heights), ("width", result.widths)):
            say(terminal, f"The {name} is {low} to {high} pixels, the median {middle}.")
    show_pixels(result.channels, result.pixel_notes, result.constant_answer, terminal)
    show_places(terminal, picture=result.picture)
    if result.problems:
        wrong = number(len(result.problems), "value" if result.task == "values" else "label")
        say(terminal, f"{wrong} {'is' if len(result.problems) == 1 else 'are'} wrong:")
        for problem in result.problems[:MAX_PROBLEMS]:
            say(terminal, f"  {problem['file']}, {problem['where']}: {problem['reason']}")
        if len(result.problems) > MAX_PROBLEMS:
            more = len(result.problems) - MAX_PROBLEMS
            say(terminal, f"  ... and {more} more (--json lists all).")
    show_unusable(result.unusable, terminal)
    said = "is a usable image" if result.usable == 1 else "are usable images"
    say(terminal, f"{number(result.usable, 'file')} {said}.")


def _inside(path: str, images: ImageList, data: Path) -> str:
    """A path of one part as seen from the data set's folder."""
    folder = data if data.is_dir() or images.root == data else data.parent  # or a ZIP
    return Path(os.path.relpath(images.root / path, folder)).as_posix()


def _classes(parts: DatasetParts, report: CheckReport) -> dict[str, int] | None:
    """Shows the number of images of each class."""
    [first, *_] = parts.images.values()
    if first.classes is None:
        return None
    if isinstance(first.annotations, ValueAnnotations):
        return _with_label(first) if first.annotations.kind == "labels" else None
    if first.labels is not None:
        return count_classes(parts.images)
    return {name: report.classes.get(index, 0) for index, name in enumerate(first.classes)}


def _with_label(images: ImageList) -> dict[str, int]:
    """Shows the number of images with each label."""
    assert isinstance(images.annotations, ValueAnnotations)
    counts = np.nansum(images.annotations.table, axis=0).astype(int).tolist()
    return dict(zip(images.classes or (), counts, strict=True))


def _values(parts: DatasetParts) -> list[dict[str, Any]]:
    """The range of each column of numbers."""
    [first, *_] = parts.images.values()
    if not isinstance(first.annotations, ValueAnnotations) or first.annotations.kind == "labels":
        return []
    ranges = []
    for name, column in zip(first.classes or (), first.annotations.table.T, strict=True):
        known = column[np.isfinite(column)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (None, None)
        ranges.append({"name": name, "known": len(known), "lowest": low, "highest": high})
    return ranges


def _cell(value: str | int | float | None) -> str:
    return "-" if value is None else value if isinstance(value, str) else f"{value:,g}"
