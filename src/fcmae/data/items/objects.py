"""Boxes and masks of items, given or from the targets of a data set, as a table of objects."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fcmae.data.image_list import ImageList
from fcmae.data.items.classes import Numbering, is_class, names_of
from fcmae.data.items.find import as_data, store_of
from fcmae.data.items.scan import scan
from fcmae.data.items.store import ItemStore
from fcmae.data.objects.collect import LabelledObjects
from fcmae.data.objects.gather import Gathering
from fcmae.data.objects.rle import compress, encode
from fcmae.data.objects.rows import BoxCorners, as_table
from fcmae.data.objects.rules import AS_WRITTEN, LabelRules
from fcmae.data.options import Loader
from fcmae.data.problem import Problem
from fcmae.data.source import ImageData
from fcmae.errors import DataError

WAYS = (
    "give fcmae.ImageData(images, boxes=..., labels=...), or a data set whose items are (image, "
    "{'boxes': m x 4, 'labels': m, 'masks': m x h x w}), as torchvision's detectors take them"
)
NOT_READ = (0, 0)
"""Size of an image that cannot be used."""


class Thing(NamedTuple):
    """One object of an item, its class by number or name."""

    label: int | str
    box: BoxCorners
    crowd: bool
    outline: dict[str, Any] | None


class Seen(NamedTuple):
    """Height, width and objects of an item, and what is wrong with it."""

    size: tuple[int, int]
    things: list[Thing]
    problems: list[str]


def object_items(
    source: object, loader: Loader | None = None, rules: LabelRules = AS_WRITTEN
) -> LabelledObjects:
    """The images of an array, a list or a data set with their objects; every item is read once.

    Args:
        source: The images.
        loader: How many processes read the items where there are many.
        rules: What becomes of labels that may be taken in several ways.

    Raises:
        DataError: There are no objects, or not in a form that is known.
    """
    data = as_data(source)
    found = scan(store_of(data), partial(_seen, given=_given(data)), loader)
    store = found.store
    seen = [Seen(NOT_READ, [], []) if one is None else one for one in found.told]
    numbering = Numbering.of(names_of(data), {t.label for one in seen for t in one.things})
    gathering, problems = Gathering(rules), list[Problem]()
    for index, (size, things, wrong) in enumerate(seen):
        reasons = list(wrong)
        for number, thing in enumerate(things):
            take = partial(
                gathering.add,
                index,
                numbering.label(thing.label),
                thing.box,
                size,
                where=f"{store.called}, {store.name(index)}, object {number}",
                crowd=thing.crowd,
                outline=thing.outline,
            )
            reason = take()
            if reason is not None and rules.clip:
                reason = take(clip=True)
            if reason is not None:
                reasons.append(f"object {number}: {reason}")
        where = store.name(index)
        problems += [Problem(file=store.called, where=where, reason=one) for one in reasons]
    objects = as_table(
        gathering.rows,
        source=store.called,
        sizes=[one.size for one in seen],
        image_ids=range(1, len(seen) + 1),
        class_ids=numbering.numbers,
    )
    images = ImageList(store=store, classes=numbering.classes, annotations=objects)
    return LabelledObjects(images=images, problems=tuple(problems), notes=gathering.notes)


def _given(data: ImageData) -> dict[str, Any]:
    """Lists of boxes, masks and labels that were given, by name."""
    lists = {"boxes": data.boxes, "masks": data.masks, "labels": data.labels}
    told = {name: values for name, values in lists.items() if values is not None}
    return told if told.keys() & {"boxes", "masks"} else {}


def _seen(store: ItemStore, index: int, *, given: Mapping[str, Any]) -> Seen:
    size, name = store.size(index), f"{store.name(index)} of {store.called}"
    if given:
        place = store.place(index)
        target: Any = {key: values[place] for key, values in given.items()}
    else:
        target = store.target(index)
    if not isinstance(target, Mapping) or not target.keys() & {"boxes", "masks"}:
        raise DataError(f"{name} has no objects: {WAYS}.")
    if "labels" not in target:
        raise DataError(f"{name} has objects without labels: {WAYS}.")
    labels = _classes(target["labels"], name)
    masks = None if target.get("masks") is None else _masks(target["masks"], name)
    if masks is not None and len(masks) and masks.shape[1:] != size:
        have = " x ".join(map(str, masks.shape[1:]))
        return Seen(
            size, [], [f"its masks have {have} pixels, but the image {size[0]} x {size[1]}"]
        )
    boxes = _around(masks) if target.get("boxes") is None else _boxes(target["boxes"], name)
    crowd = np.asarray(target.get("iscrowd", np.zeros(len(boxes)))).astype(np.bool_).tolist()
    counts = {len(labels), len(boxes), len(crowd), len(boxes) if masks is None else len(masks)}
    if len(counts) > 1:
        raise DataError(
            f"{name} has {len(boxes)} boxes and {len(labels)} labels"
            f"{'' if masks is None else f' and {len(masks)} masks'}: give one of each per object."
        )
    outlines = [None] * len(boxes) if masks is None else [_runs(mask) for mask in masks]
    things = map(Thing, labels, (_box(row) for row in boxes), crowd, outlines)
    return Seen(size, list(things), [])


def _box(row: NDArray[np.float64]) -> BoxCorners:
    left, top, right, bottom = row.tolist()
    return left, top, right, bottom


def _array(values: Any) -> NDArray[Any]:
    return values.detach().cpu().numpy() if isinstance(values, Tensor) else np.asarray(values)


def _classes(labels: Any, name: str) -> Sequence[int | str]:
    found: list[int | str] = _array(labels).reshape(-1).tolist()
    wrong = [one for one in found if not is_class(one)]
    if wrong:
        raise DataError(
            f"{name} has the label {wrong[0]!r}, but a class is a number from 0 on or a name."
        )
    return found


def _boxes(boxes: Any, name: str) -> NDArray[np.float64]:
    """Left, top, right and bottom of each object."""
    form = getattr(getattr(boxes, "format", None), "value", "XYXY")
    if form != "XYXY":
        raise DataError(f"{name} has boxes in the form {form}, but must have them as XYXY.")
    array = _array(boxes)
    if array.size == 0:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4 or array.dtype.kind not in "fiu":
        raise DataError(
            f"{name} has boxes of the shape {array.shape} and type {array.dtype}, but they are "
            "numbers m x 4: left, top, right, bottom in pixels."
        )
    if not np.isfinite(array).all():
        raise DataError(f"{name} has boxes with NaN or infinite values.")
    return array.astype(np.float64)


def _masks(masks: Any, name: str) -> NDArray[np.bool_]:
    array = _array(masks)
    if array.size == 0:
        return np.zeros((0, 1, 1), dtype=np.bool_)
    if array.ndim != 3 or array.dtype.kind not in "bui":
        raise DataError(
            f"{name} has masks of the shape {array.shape} and type {array.dtype}, but they are "
            "truth values m x h x w."
        )
    return array > 0


def _around(masks: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """The boxes that masks just fit into; of an empty one a box without area."""
    boxes = np.zeros((0 if masks is None else len(masks), 4))
    for box, mask in zip(boxes, masks if masks is not None else (), strict=True):
        rows, columns = np.nonzero(mask)
        if len(rows):
            box[:] = columns.min(), rows.min(), columns.max() + 1, rows.max() + 1
    return boxes


def _runs(mask: NDArray[np.bool_]) -> dict[str, Any]:
    """A mask as COCO writes runs of pixels."""
    size = (mask.shape[0], mask.shape[1])
    return {"size": list(size), "counts": compress(encode(mask, size=size))}
