"""Reads objects from label images: every number above 0 is an object."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcmae.data.image import UnusableImage, upright_size
from fcmae.data.naming import shown
from fcmae.data.objects.collect import Collector, LabelledObjects
from fcmae.data.objects.numbered_files import NumberedFiles, numbered_files
from fcmae.data.objects.part import ObjectPart
from fcmae.data.objects.rle import BinaryMask, compress, encode
from fcmae.data.objects.rules import AS_WRITTEN, LabelRules
from fcmae.data.objects.yolo_files import names_in_file
from fcmae.data.segments.read import read_label_map
from fcmae.errors import DataError

Labels = NDArray[np.int32]
"""Height x width: number of the object at each pixel, 0 where there is none."""

CLASS = "object"
"""Name of the only class, where nothing names it."""

SAMPLED = 5
"""Label images that are looked at to tell objects from classes."""

PARTED = 1 / 3
"""Share of the numbers that may lie in several pieces; those of classes do."""


def read_numbered(
    part: ObjectPart, classes: Sequence[str] | None = None, rules: LabelRules = AS_WRITTEN
) -> LabelledObjects:
    """Read images and their label images.

    Args:
        part: Where they are.
        classes: The only class; by default what a classes.txt beside names, or ``object``.
        rules: What becomes of labels that may be taken in several ways.

    Raises:
        DataError: No image has a label image, or their numbers are those of classes.
    """
    files = _files(part)
    names = classes if classes is not None and len(classes) == 1 else names_beside(part)
    if len(names) > 1:
        raise DataError(
            f"{shown(part.labels)} has {len(names)} classes in a file beside it, so its numbers "
            "are classes, not objects: train with fcmae finetune segment, or move the file away."
        )
    collector = Collector(part.labels, files.root, names or [CLASS], rules=rules)
    pieces = list[bool]()
    for name, masks in files.masks.items():
        image = collector.add_image(name, where="its image", file=masks[0] if masks else None)
        if image is None:
            continue
        for path in masks:
            try:
                labels = read_label_map(path, collector.sizes[image])
            except UnusableImage as error:
                collector.complain("its pixels", error.reason, path)
                continue
            labels = (labels > 0).astype(np.int32) if len(masks) > 1 else labels
            pieces += _add(collector, image, labels, path)
    for path in files.lost:
        collector.complain("its name", "there is no label image for it", path)
    for path in files.unused:
        collector.complain("its name", "there is no image for this label image", path)
    if sum(pieces) > PARTED * len(pieces):
        raise DataError(
            f"{sum(pieces):,} of the {len(pieces):,} numbers in {shown(part.labels)} lie in "
            "several pieces, so they are classes or a foreground, not objects. Give each object a "
            "number of its own (such as scipy.ndimage.label does), or train with fcmae finetune "
            "segment."
        )
    return collector.finish()


def looks_numbered(part: ObjectPart) -> bool:
    """True if a part has label images of what look like objects, and nothing names classes."""
    if part.kind != "numbers" or len(names_beside(part)) > 1:
        return False
    pieces, most = list[bool](), 0
    for masks in islice(_files(part).masks.values(), SAMPLED):
        try:
            found = [_pieces(path) for path in masks[:SAMPLED]]
        except UnusableImage:
            return False
        pieces += [parted for of_mask in found for parted in of_mask]
        most = max(most, len(masks), *map(len, found))
    return most > 2 and sum(pieces) <= PARTED * len(pieces)


def _pieces(path: Path) -> list[bool]:
    """For each number of a label image, whether it lies in several pieces."""
    return [parted for *_, parted in objects_of(read_label_map(path, upright_size(path)))]


def names_beside(part: ObjectPart) -> list[str]:
    """Names of classes in a file beside the folders."""
    for folder in dict.fromkeys((part.labels, part.labels.parent, part.labels.parent.parent)):
        if (folder / "classes.txt").is_file():
            return names_in_file(folder / "classes.txt")
    return []


def _files(part: ObjectPart) -> NumberedFiles:
    files = numbered_files(part.labels, part.images or part.labels)
    if not files.masks:
        raise DataError(
            f"no image of {shown(files.root)} has a label image in {shown(part.labels)}: it has "
            "the name of its image, or the same with _masks at its end."
        )
    return files


def _add(collector: Collector, image: int, labels: Labels, path: Path) -> Iterator[bool]:
    """Take in the objects of a label image; whether each lies in several pieces."""
    size = (labels.shape[0], labels.shape[1])
    for number, top, left, mask, parted in objects_of(labels):
        height, width = mask.shape
        runs = compress(encode(mask, top=top, left=left, size=size))
        collector.add(
            image,
            0,
            (float(left), float(top), float(left + width), float(top + height)),
            where=f"number {number}",
            outline={"size": list(size), "counts": runs},
            file=path,
        )
        yield parted


def objects_of(labels: Labels) -> Iterator[tuple[int, int, int, BinaryMask, bool]]:
    """Number, top, left and mask of each object, and whether an empty line parts it."""
    rows, columns = np.nonzero(labels > 0)
    numbers = labels[rows, columns]
    order = np.argsort(numbers, kind="stable")
    rows, columns, numbers = rows[order], columns[order], numbers[order]
    first = np.flatnonzero(np.diff(numbers, prepend=-1))
    if not len(first):
        return
    ends = [
        np.minimum.reduceat(rows, first),
        np.minimum.reduceat(columns, first),
        np.maximum.reduceat(rows, first) + 1,
        np.maximum.reduceat(columns, first) + 1,
    ]
    for number, (top, left, bottom, right) in zip(
        numbers[first].tolist(), np.transpose(ends).tolist(), strict=True
    ):
        mask = labels[top:bottom, left:right] == number
        parted = not (mask.any(axis=0).all() and mask.any(axis=1).all())
        yield number, top, left, mask, parted
