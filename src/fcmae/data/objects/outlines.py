"""Outlines as COCO writes them, polygons or runs of pixels: whether one is sound, its mask."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.objects.numbers import numbers
from fcmae.data.objects.rle import Mask, decode, runs_of

MARGIN_PX = 1.0
"""How far coordinates may lie outside the image: label files count pixels from 0 or from 1."""

Ring = NDArray[np.float64]
"""Corners of a polygon: x and y in pixels, where (0, 0) is the upper left corner of the image."""


def why_not_outline(segmentation: Any, size: tuple[int, int]) -> str | None:
    """What is wrong with a COCO segmentation of an image of this size, or None."""
    if isinstance(segmentation, dict):
        return _why_not_runs(segmentation, size)
    if not isinstance(segmentation, list) or not segmentation:
        return "its segmentation is neither polygons nor runs of pixels"
    for number, ring in enumerate(segmentation, start=1):
        if reason := _why_not_ring(ring, size):
            return f"polygon {number} {reason}"
    return None


def mask_of(segmentation: Any, size: tuple[int, int]) -> Mask:
    """The pixels inside a sound COCO segmentation."""
    if isinstance(segmentation, dict):
        return decode(runs_of(segmentation), size)
    rings = [np.array(ring, dtype=np.float64).reshape(-1, 2) for ring in segmentation]
    return polygon_mask(rings, size)


def mask_from_text(text: bytes, size: tuple[int, int]) -> Mask:
    """The pixels inside a sound COCO segmentation in JSON."""
    return mask_of(json.loads(text), size)


def polygon_mask(rings: Sequence[Ring], size: tuple[int, int]) -> Mask:
    """The pixels whose centres lie inside any of the polygons."""
    height, width = size
    mask = np.zeros(size, dtype=np.bool_)
    for ring in rings:
        low, high = np.floor(ring.min(axis=0)), np.ceil(ring.max(axis=0))
        left, top = np.clip(low, 0, (width, height)).astype(int).tolist()
        right, bottom = np.clip(high, 0, (width, height)).astype(int).tolist()
        inside = _inside(ring - (left, top), (bottom - top, right - left))
        mask[top:bottom, left:right] |= inside
    return mask


def polygon_area(ring: Ring) -> float:
    """Area inside a polygon in pixels."""
    x, y = (ring - ring[0]).T
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:])) / 2)


def outline_area(segmentation: Any, size: tuple[int, int]) -> float:
    """Number of pixels inside a sound COCO segmentation."""
    if isinstance(segmentation, dict):
        return float(sum(runs_of(segmentation)[1::2]))
    return float(mask_of(segmentation, size).sum())


def _inside(ring: Ring, size: tuple[int, int]) -> Mask:
    """Even-odd rule: going down a column, each edge that is crossed leads in or out."""
    height, width = size
    x, y = ring.T
    next_x, next_y = np.append(x[1:], x[0]), np.append(y[1:], y[0])
    centres = np.arange(width) + 0.5
    edge, column = np.nonzero((x[:, None] <= centres) != (next_x[:, None] <= centres))
    share = (centres[column] - x[edge]) / (next_x[edge] - x[edge])
    crossing = y[edge] + share * (next_y[edge] - y[edge])
    row = np.clip(np.ceil(crossing - 0.5), 0, height).astype(int)
    crossed = np.bincount(row * width + column, minlength=(height + 1) * width)
    odd: Mask = crossed.reshape(height + 1, width)[:-1].cumsum(axis=0) % 2 == 1
    return odd


def _why_not_ring(ring: Any, size: tuple[int, int]) -> str | None:
    if not isinstance(ring, list) or len(ring) < 6 or len(ring) % 2:
        length = len(ring) if isinstance(ring, list) else "no"
        return f"has {length} numbers, but a polygon has an even number of at least six"
    if (values := numbers(ring, len(ring))) is None:
        return "holds something that is not a finite number"
    corners = np.reshape(values, (-1, 2))
    height, width = size
    if corners.min() < -MARGIN_PX or (corners > (width + MARGIN_PX, height + MARGIN_PX)).any():
        return f"leaves the image of {width} x {height} pixels (width x height)"
    if polygon_area(corners) == 0:
        return "has no area"
    return None


def _why_not_runs(segmentation: dict[str, Any], size: tuple[int, int]) -> str | None:
    if segmentation.get("size") != list(size):
        said = segmentation.get("size")
        return f"its runs are for {said}, but the image has height and width {list(size)}"
    counts = segmentation.get("counts")
    whole = isinstance(counts, list) and all(type(count) is int for count in counts)
    if not whole and not isinstance(counts, str):
        return "its counts are neither a list of whole numbers nor COCO's short text"
    try:
        mask = decode(runs_of(segmentation), size)
    except (ValueError, OverflowError) as error:
        return str(error)
    return None if mask.any() else "its runs hold no pixel"
