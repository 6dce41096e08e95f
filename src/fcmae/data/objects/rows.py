"""Objects one by one, before they become a table."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from fcmae.data.objects.outlines import MARGIN_PX, outline_area
from fcmae.data.objects.table import Objects

BoxCorners = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels; (0, 0) is the upper left corner of the image."""


class ObjectRow(NamedTuple):
    """One object.

    Attributes:
        image: Place of its image.
        label: Index of its class.
        box: Its box.
        crowd: True if it is a region of many objects.
        area: Pixels inside its outline, or its box.
        outline: COCO segmentation in JSON; empty if there is only a box.
    """

    image: int
    label: int
    box: BoxCorners
    crowd: bool
    area: float
    outline: bytes

    @classmethod
    def of(
        cls,
        image: int,
        label: int,
        box: BoxCorners,
        size: tuple[int, int],
        *,
        crowd: bool = False,
        outline: Any = None,
        area: float | None = None,
    ) -> "ObjectRow":
        """An object with a sound box and outline, in an image of this height and width."""
        if area is None:
            left, top, right, bottom = box
            width_height = (right - left) * (bottom - top)
            area = width_height if outline is None else outline_area(outline, size)
        text = b"" if outline is None else json.dumps(outline, separators=(",", ":")).encode()
        return cls(image, label, box, crowd, area, text)


def as_table(
    rows: Sequence[ObjectRow],
    *,
    source: str,
    sizes: Sequence[tuple[int, int]],
    image_ids: Sequence[int],
    class_ids: Sequence[int],
) -> Objects:
    """The objects as a table in the order of their images, each image's in the order given.

    Args:
        rows: The objects.
        source: Where they are from, as it is shown to people.
        sizes: Height and width of each image.
        image_ids: Number of each image in COCO files.
        class_ids: Number of each class in COCO files.
    """
    images = np.array([row.image for row in rows], dtype=np.int64)
    ordered = [rows[i] for i in np.argsort(images, kind="stable").tolist()]
    count = np.bincount(images, minlength=len(sizes))
    return Objects(
        source=source,
        sizes=np.array(sizes, dtype=np.int64).reshape(-1, 2),
        image_ids=np.array(image_ids, dtype=np.int64),
        first=np.cumsum([0, *count.tolist()]),
        boxes=np.array([row.box for row in ordered], dtype=np.float64).reshape(-1, 4),
        classes=np.array([row.label for row in ordered], dtype=np.int64),
        class_ids=np.array(class_ids, dtype=np.int64),
        crowd=np.array([row.crowd for row in ordered], dtype=np.bool_),
        areas=np.array([row.area for row in ordered], dtype=np.float64),
        blob=b"".join(row.outline for row in ordered),
        offsets=np.cumsum([0, *(len(row.outline) for row in ordered)]),
    )


def why_not_box(box: BoxCorners, size: tuple[int, int]) -> str | None:
    """Says what is wrong with a box in an image of this height and width, or None."""
    left, top, right, bottom = box
    said = f"its box from ({left:g}, {top:g}) to ({right:g}, {bottom:g})"
    if right < left or bottom < top:
        return f"{said} ends before it begins, so it has no area: exchange its corners"
    if right == left or bottom == top:
        return f"{said} has no area"
    height, width = size
    outside = min(left, top) < -MARGIN_PX or right > width + MARGIN_PX
    if outside or bottom > height + MARGIN_PX:
        return f"{said} leaves the image of {width} x {height} pixels (width x height)"
    if left >= width or top >= height or right <= 0 or bottom <= 0:
        return f"{said} lies beside the image of {width} x {height} pixels (width x height)"
    return None
