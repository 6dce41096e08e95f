"""Finds and checks labelled objects before PyTorch is imported."""

from dataclasses import replace
from typing import Literal

from fcmae.data.image_list import ImageList
from fcmae.data.naming import shown
from fcmae.data.objects.collect import LabelledObjects
from fcmae.data.source import ImageSource, named_paths
from fcmae.engine.report import Reporter
from fcmae.errors import DataError
from fcmae.flags import option

BadLabels = Literal["stop", "leave_out"]


def accepted(
    found: LabelledObjects, bad_labels: BadLabels, data: ImageSource, reporter: Reporter
) -> ImageList:
    """The images, if all their labels are sound or wrong ones may be left out."""
    if found.problems:
        number, first = len(found.problems), found.problems[0]
        labels_are = "labels are" if number > 1 else "label is"
        if bad_labels == "stop":
            paths = named_paths(data)
            check = f"`fcmae check {shown(paths[0])} --task detect` lists all; " if paths else ""
            raise DataError(
                f"{number} {labels_are} wrong, such as {first}. {check}"
                f"{option('bad_labels', 'leave_out')} goes on without them."
            )
        reporter.message(f"{number} wrong {labels_are} left out, such as {first}.")
    if len(found.objects) == 0:
        raise DataError(f"{found.objects.source} holds no object.")
    return found.images


def for_masks(found: LabelledObjects, masks: bool | None) -> LabelledObjects:
    """The labels with outlines of all objects, or of none.

    Args:
        found: The labels.
        masks: Whether to learn outlines; None for whatever the labels have.
    """
    objects = found.objects
    lacking = len(objects) - objects.num_outlined
    if masks is False or lacking == len(objects):
        if masks:
            raise DataError(
                f"masks is true, but {objects.source} holds boxes only: leave "
                f"{option('masks')} out."
            )
        return replace(found, images=replace(found.images, annotations=objects.without_outlines()))
    if lacking:
        raise DataError(
            f"{lacking} of the {len(objects)} objects in {objects.source} have no outline: give "
            f"them one, or learn boxes only with {option('masks', 'false')}."
        )
    return found
