"""Finds the parts of a data set to check, by what lies in its files."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from fcmae.cli.datasets.check_classes import class_parts, list_parts
from fcmae.data.image_list import ImageList
from fcmae.data.list_rows import is_list
from fcmae.data.listing import find_images
from fcmae.data.naming import shown
from fcmae.data.objects.find import read_part
from fcmae.data.objects.parts import has_numbered, has_objects, parts_of
from fcmae.data.objects.summary import summary_of, why_nothing_to_learn
from fcmae.data.problem import Problem
from fcmae.data.segments.find import images_of, meaning_of
from fcmae.data.segments.layout import SegmentFolders, folders_for_masks, has_segments, layout_of
from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.values_cells import looks_like_values
from fcmae.data.values_list import existing, read_values
from fcmae.data.values_sheet import ValueKind
from fcmae.errors import DataError
from fcmae.flags import option

LabelledFor = Literal["auto", "classify", "segment", "detect", "values"]
ONLY_MASKS = ("masks", "mask")
"""Folders that nobody would keep anything but masks in."""


@dataclass(kw_only=True)
class DatasetParts:
    """The images of each part by name, and labels that are wrong before any image is opened.

    Attributes:
        task: What they are labelled for, if anything.
        images: By the name of the part.
        problems: Labels that are wrong.
    """

    task: str | None
    images: dict[str, ImageList]
    problems: list[Problem] = field(default_factory=list)


def find_parts(
    data: Path,
    task: LabelledFor,
    labels: LabelMapOptions,
    kind: ValueKind | None = None,
    unknown: float | None = None,
) -> DatasetParts:
    """List everything that a task would read of a data set, without stopping at what is wrong.

    Raises:
        DataError: Nothing is there, or the task is ``auto`` and there are labels of two kinds.
    """
    if task == "auto" and data.exists():
        task = _task_of(data)
    for name, given in (("kind", kind), ("unknown", unknown)):
        if given is not None and task != "values" and data.exists():
            raise ValueError(
                f"{name} is {given}, but {shown(data)} is not checked as a list of values: leave "
                f"{option(name)} out, or say {option('task', 'values')}."
            )
    if task == "values":
        listed = existing(read_values(data, kind, unknown), data)
        problems = [*listed.unfilled, *listed.problems]
        return DatasetParts(task=task, images={"all": listed.images}, problems=problems)
    if task == "segment":
        layout = layout_of(data, labels)
        return DatasetParts(task=task, images=_label_maps(layout, data))
    if task == "detect":
        return _objects(data)
    if is_list(data) and data.exists():
        listed_classes = list_parts(data, sure=task == "classify")
        sort = "classify" if listed_classes.labelled else None
        return DatasetParts(
            task=sort, images=listed_classes.images, problems=listed_classes.problems
        )
    if (classed := class_parts(data, sure=task == "classify")) is not None:
        return DatasetParts(task="classify", images=classed.images, problems=classed.problems)
    images = find_images(data, labels=True if task == "classify" else None)
    return DatasetParts(task=None if images.classes is None else "classify", images={"all": images})


def _label_maps(layout: SegmentFolders, data: Path) -> dict[str, ImageList]:
    """The parts of images with label maps, which mean in each what they mean in the first."""
    images = dict[str, ImageList]()
    for name in layout.parts:
        first = next(iter(images.values()), None)
        meaning = None if first is None else replace(meaning_of(first), notes=(), doubt="")
        images[name] = images_of(layout, (name,), data, strict=False, meaning=meaning)
    return images


def _objects(data: Path) -> DatasetParts:
    """The parts of images with objects, whose classes are those of the first, as in training."""
    images, problems, known = dict[str, ImageList](), list[Problem](), tuple[str, ...]()
    for name, part in parts_of(data).items():
        found = read_part(part)
        classes = found.images.classes or ()
        known = known or classes
        strangers = tuple(name for name in classes if name not in known)
        listed = found.images.with_classes((*known, *strangers)) if classes else found.images
        images[name] = replace(
            listed, notes=(*listed.notes, summary_of(found, "" if name == "all" else name))
        )
        problems += found.problems
        if reason := why_nothing_to_learn(found.objects):
            problems.append(Problem(file=shown(part.labels), where="its objects", reason=reason))
        problems += [
            Problem(
                file=shown(part.labels),
                where=f"class {stranger}",
                reason="train has no class of this name, so no detector could know it",
            )
            for stranger in strangers
        ]
    return DatasetParts(task="detect", images=images, problems=problems)


def _task_of(data: Path) -> LabelledFor:
    """Task of the labels beside the images; ``auto`` if there are none."""
    if looks_like_values(data):
        return "values"
    maps = has_segments(data)
    if maps and data.is_file():
        return "segment"
    try:
        objects = has_objects(data)
    except DataError:
        if not maps:
            raise
        objects = False  # a .yaml that is not about objects
    if maps and objects and has_numbered(data):
        return "detect"  # the maps are those of objects
    if maps and objects:
        raise DataError(
            f"{shown(data)} holds label maps as well as labels of objects: say which to check with "
            f"{option('task', 'segment')} or {option('task', 'detect')}."
        )
    if maps or objects:
        return "segment" if maps else "detect"
    for folder in folders_for_masks(data):
        if not {folder.name.lower(), folder.parent.name.lower()} & {*ONLY_MASKS}:
            raise DataError(
                f"{shown(folder)} holds no file of an image's name, neither a mask nor labels of "
                "objects, so nothing tells what it is for: say it with "
                f"{option('task', 'segment')} or {option('task', 'detect')}, or give the folder of "
                "images alone."
            )
        return "segment"
    return "auto"
