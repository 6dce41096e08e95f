"""Says in a few words what was understood of labels of objects, and why they may teach nothing."""

import numpy as np

from fcmae.data.objects.collect import LabelledObjects
from fcmae.data.objects.table import Objects
from fcmae.flags import option

SMALLEST_PX = 1.0
"""Objects of which less remains along a side are not shown to the detector."""

MAX_NAMED = 8
"""More classes than these are counted, not named."""


def _as_objects() -> str:
    return f"finetune and evaluate take each as an object with {option('crowds', 'objects')}"


def summary_of(found: LabelledObjects, name: str = "") -> str:
    """A sentence on the images of a part and their objects.

    Args:
        found: The images and labels.
        name: The part, such as train.
    """
    objects = found.objects
    real = ~objects.crowd
    counts = np.diff(objects.first)
    start = f"{name}: " if name else ""
    said = [
        f"{start}{_number(len(found.images), 'image')}, {_number(int(real.sum()), 'object')} "
        f"({_per_class(found)}), {_number(int((counts == 0).sum()), 'image')} without any"
    ]
    if real.any():
        sides = objects.boxes[real, 2:] - objects.boxes[real, :2]
        smallest = sides[np.argmin(sides.prod(axis=1))]
        said.append(_outlined(objects))
        said.append(f"the smallest box has {smallest[0]:.3g} x {smallest[1]:.3g} pixels")
        tiny = int((sides < SMALLEST_PX).any(axis=1).sum())
        if tiny:
            said.append(f"boxes below a pixel, never shown to the detector: {tiny:,}")
    if crowds := int(objects.crowd.sum()):
        said.append(f"crowd regions, which are no targets: {crowds:,} ({_as_objects()})")
    return f"{'; '.join([*said, *found.notes])}."


def why_nothing_to_learn(objects: Objects) -> str | None:
    """The reason why no detector can learn from these labels, or None."""
    if len(objects) == 0:
        return f"{objects.source} holds no object"
    if objects.crowd.all():
        return (
            f"all {len(objects):,} objects of {objects.source} are crowd regions (iscrowd 1, or "
            f"difficult), which nobody learns from: {_as_objects()}"
        )
    sides = objects.boxes[~objects.crowd, 2:] - objects.boxes[~objects.crowd, :2]
    if (sides < SMALLEST_PX).any(axis=1).all():
        return (
            f"all {len(sides):,} boxes of {objects.source} are below a pixel, so that none is ever "
            "shown to the detector: boxes are in pixels of the image"
        )
    return None


def fitted_away(objects: Objects, size: tuple[int, int], factor: float) -> int:
    """The number of objects that are below a pixel however large their image is shown.

    Args:
        objects: The objects.
        size: Height and width that images are fitted into.
        factor: The largest by which a fitted image is made larger.
    """
    fit = (np.array(size) / objects.sizes).min(axis=1) * factor
    of_object = np.repeat(fit, np.diff(objects.first))[~objects.crowd]
    sides = objects.boxes[~objects.crowd, 2:] - objects.boxes[~objects.crowd, :2]
    return int((sides.min(axis=1) * of_object < SMALLEST_PX).sum())


def _per_class(found: LabelledObjects) -> str:
    objects, classes = found.objects, found.images.classes or ()
    counts = np.bincount(objects.classes[~objects.crowd], minlength=len(classes))
    named = [f"{name} {count:,}" for name, count in zip(classes, counts.tolist(), strict=True)]
    if len(named) > MAX_NAMED:
        empty = int((counts == 0).sum())
        named[MAX_NAMED:] = [f"and {len(named) - MAX_NAMED} more classes"]
        named += [f"{_number(empty, 'class')} without an object"] if empty else []
    return ", ".join(named)


def _outlined(objects: Objects) -> str:
    count = objects.num_outlined
    if count == 0:
        return "boxes only"
    return "all with an outline" if count == len(objects) else f"{count:,} with an outline"


def _number(count: int, noun: str) -> str:
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"
