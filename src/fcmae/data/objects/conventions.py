"""Recognises boxes that are written in another way than their format has them.

Such a file is valid: every box is four numbers. Read as they are not meant, they teach nothing.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fcmae.data.objects.outlines import MARGIN_PX
from fcmae.errors import DataError

Convention = Literal["x, y, width, height", "x1, y1, x2, y2", "centre x, centre y, width, height"]
"""Meaning of the four numbers of a box."""

Numbers = NDArray[np.float64]
"""Four numbers of each box."""

CORNERS: dict[Convention, Callable[[Numbers], Numbers]] = {
    "x, y, width, height": lambda b: np.c_[b[:, :2], b[:, :2] + b[:, 2:]],
    "x1, y1, x2, y2": lambda b: b,
    "centre x, centre y, width, height": lambda b: np.c_[
        b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2
    ],
}
NEEDED: dict[Convention, float] = {
    "x, y, width, height": 0.25,
    "x1, y1, x2, y2": 0.1,
    "centre x, centre y, width, height": 0.25,
}
"""Share of the boxes that must be wrong as the format has them, for each other way."""

SLACK = 0.01
"""How far outside [0, 1] shares may be: boxes that leave their image a little."""

AT_LEAST = 2
"""So many boxes must be wrong: one may be so by accident."""


def refuse_shares(boxes: Numbers, *, source: str) -> None:
    """Refuse boxes in pixels of which most lie within [0, 1].

    Raises:
        DataError: They do.
    """
    inside = int((np.abs(boxes) <= 1 + SLACK).all(axis=1).sum())
    if inside > len(boxes) / 2:
        which = "all" if inside == len(boxes) else f"{inside:,} of the"
        raise DataError(
            f"{which} {len(boxes):,} boxes of {source} lie within [0, 1], so they are shares of "
            "the image, but its format counts pixels: multiply them by width and height."
        )


def refuse_other_convention(
    boxes: Numbers,
    sizes: NDArray[np.int64],
    *,
    expected: Convention,
    source: str,
    areas: NDArray[np.float64] | None = None,
    bounds: Numbers | None = None,
) -> None:
    """Refuse boxes that contradict their images and outlines, and fit all if read in another way.

    Args:
        boxes: Four numbers of each box in pixels.
        sizes: Height and width of the image of each.
        expected: What the format says that they are.
        source: The file in messages.
        areas: Pixels of each object as the file says them; NaN where it does not.
        bounds: Corners of the box around each outline; NaN where there is none.

    Raises:
        DataError: They fit in another way only.
    """
    unknown = np.full(len(boxes), np.nan)
    areas = unknown if areas is None else areas
    bounds = np.repeat(unknown[:, None], 4, axis=1) if bounds is None else bounds
    meant = CORNERS[expected](boxes)
    wrong = ~_fits(meant, sizes, bounds)
    for other, corners in CORNERS.items():
        if other == expected:
            continue
        seen = corners(boxes)
        told = wrong | (_equal(areas, seen) & ~_equal(areas, meant))
        if told.sum() < max(AT_LEAST, NEEDED[other] * len(boxes)):
            continue
        if _fits(seen, sizes, bounds).all():
            raise DataError(
                f"the boxes of {source} are {other}, but its format has {expected}: read so, "
                f"{told.sum():,} of {len(boxes):,} leave their image, have no area or contradict "
                f"their outline or area. Convert them to {expected}."
            )


def _fits(corners: Numbers, sizes: NDArray[np.int64], bounds: Numbers) -> NDArray[np.bool_]:
    """True for boxes with an area, inside of their images, that agree with their outlines."""
    limits = np.c_[sizes[:, 1], sizes[:, 0]] + MARGIN_PX
    inside = (corners[:, :2] >= -MARGIN_PX).all(axis=1) & (corners[:, 2:] <= limits).all(axis=1)
    sound = inside & (corners[:, 2:] > corners[:, :2]).all(axis=1)
    fits: NDArray[np.bool_] = sound & (np.isnan(bounds).any(axis=1) | agree(corners, bounds))
    return fits


def agree(boxes: Numbers, bounds: Numbers, *, slack: float = 1.0) -> NDArray[np.bool_]:
    """True where a box and the box around an outline share half of what they cover together.

    Args:
        boxes: Corners.
        bounds: Corners, too.
        slack: Pixels that both may be larger on each side.
    """
    grown = [b + np.array([-slack, -slack, slack, slack]) for b in (boxes, bounds)]
    with np.errstate(invalid="ignore"):
        ends = np.minimum(*(b[:, 2:] for b in grown)) - np.maximum(*(b[:, :2] for b in grown))
        common = ends.clip(min=0).prod(axis=1)
        whole = sum((b[:, 2:] - b[:, :2]).prod(axis=1) for b in grown)
        shared: NDArray[np.bool_] = common >= 0.5 * (whole - common)
    return shared


def _equal(areas: NDArray[np.float64], corners: Numbers) -> NDArray[np.bool_]:
    """True where an area is that of the whole box."""
    have = (corners[:, 2:] - corners[:, :2]).clip(min=0).prod(axis=1)
    with np.errstate(invalid="ignore"):
        same: NDArray[np.bool_] = np.abs(areas - have) <= 0.01 * have + 1e-6
    return same
