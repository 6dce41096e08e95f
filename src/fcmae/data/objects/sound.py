"""Checks a box and its outline together, or cuts both off at the border of their image."""

from typing import Any, NamedTuple

import numpy as np

from fcmae.data.objects.conventions import agree
from fcmae.data.objects.outlines import MARGIN_PX, bounds_of, clipped_outline, why_not_outline
from fcmae.data.objects.rows import BoxCorners, why_not_box


class SoundObject(NamedTuple):
    """A box with an area inside of its image, and an outline that agrees with it."""

    box: BoxCorners
    outline: Any


def sound_object(
    box: BoxCorners, outline: Any, size: tuple[int, int], *, crowd: bool, clip: bool = False
) -> SoundObject | str | None:
    """A box and its outline, if they are sound; else the reason; None if nothing is left of them.

    Args:
        box: Left, top, right and bottom in pixels.
        outline: COCO segmentation, or None.
        size: Height and width of the image.
        crowd: Whether the outline is of a region of many objects.
        clip: Cut both off at the border of the image.
    """
    if clip:
        left, top, right, bottom = box
        limits = (size[1], size[0])
        cut = [min(max(0.0, v), float(limit)) for v, limit in zip(box, limits * 2, strict=True)]
        had_area = left < right and top < bottom
        whole = outline
        outline = clipped_outline(whole, size)
        nothing_left = cut[0] >= cut[2] or cut[1] >= cut[3] or (whole and outline == [])
        if had_area and nothing_left:
            return None
        box = (cut[0], cut[1], cut[2], cut[3])
    if reason := why_not_box(box, size):
        return reason
    if outline is None:
        return SoundObject(box, None)
    if reason := why_not_outline(outline, size):
        return reason
    bounds = bounds_of(outline, size)
    apart = max(abs(a - b) for a, b in zip(box, bounds, strict=True))
    if apart > MARGIN_PX and not crowd and not agree(np.array([box]), np.array([bounds]))[0]:
        from_to = "from ({:g}, {:g}) to ({:g}, {:g})"
        return (
            f"its box {from_to.format(*box)} and its outline {from_to.format(*bounds)} contradict "
            "each other"
        )
    return SoundObject(box, outline)
