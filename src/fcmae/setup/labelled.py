"""Finds and checks labelled objects before PyTorch is imported."""

from dataclasses import replace
from typing import Literal

from fcmae.data.image_list import ImageList
from fcmae.data.naming import shown
from fcmae.data.objects.collect import LabelledObjects
from fcmae.data.objects.rules import LabelRules
from fcmae.data.objects.summary import summary_of, why_nothing_to_learn
from fcmae.data.source import ImageSource, named_paths
from fcmae.engine.report import Reporter
from fcmae.errors import DataError
from fcmae.flags import option

BadLabels = Literal["stop", "clip", "leave_out"]
"""Treatment of labels that are wrong."""

Crowds = Literal["ignore", "objects"]
"""Treatment of regions of many objects."""


def label_rules(bad_labels: BadLabels, crowds: Crowds) -> LabelRules:
    """Returns what becomes of labels by two options."""
    return LabelRules(clip=bad_labels == "clip", crowds=crowds == "objects")


def accepted(
    found: LabelledObjects,
    bad_labels: BadLabels,
    data: ImageSource,
    reporter: Reporter,
    *,
    called: str = "",
) -> ImageList:
    """The images with a note on what was understood, if all labels are sound or may be left out.

    Args:
        found: The images and labels.
        bad_labels: What to do with labels that are wrong.
        data: What the user named.
        reporter: What was left out is told to it.
        called: Name of the part: train or val.

    Raises:
        DataError: Labels are wrong, or there is nothing to learn from.
    """
    if found.problems:
        number, first = len(found.problems), found.problems[0]
        labels_are = "labels are" if number > 1 else "label is"
        if bad_labels != "leave_out":
            paths = named_paths(data)
            check = f"`fcmae check {shown(paths[0])} --task detect` lists all; " if paths else ""
            clip = option("bad_labels", "clip")
            cut = f", {clip} cuts boxes off at the border of their image"
            cut = "" if bad_labels == "clip" else cut
            raise DataError(
                f"{number} {labels_are} wrong, such as {first}. {check}"
                f"{option('bad_labels', 'leave_out')} goes on without them{cut}."
            )
        reporter.message(f"{number} wrong {labels_are} left out, such as {first}.")
    if reason := why_nothing_to_learn(found.objects):
        raise DataError(f"{reason}.")
    return replace(found.images, notes=(*found.images.notes, summary_of(found, called)))


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
