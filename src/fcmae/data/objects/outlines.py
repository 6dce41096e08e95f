"""Outlines as COCO writes them, polygons or runs of pixels: whether one is sound, its mask."""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.objects.numbers import numbers
from fcmae.data.objects.rle import BinaryMask, decode, runs_of

MARGIN_PX = 1.0
"""How far coordinates may lie outside the image: label files count pixels from 0 or from 1."""

Ring = NDArray[np.float64]
"""Corners of a polygon: x and y in pixels, where (0, 0) is the upper left corner of the image."""


def why_not_outline(segmentation: Any, size: tuple[int, int]) -> str | None:
    """Says what is wrong with a COCO segmentation of an image of this size, or None."""
    if isinstance(segmentation, dict):
        return _why_not_runs(segmentation, size)
    if not isinstance(segmentation, list) or not segmentation:
        return "its segmentation is neither polygons nor runs of pixels"
    for number, ring in enumerate(segmentation, start=1):
        if reason := _why_not_ring(ring, size):
            return f"polygon {number} {reason}"
    return None


def bounds_of(segmentation: Any, size: tuple[int, int]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a sound COCO segmentation of an image of this size."""
    if not isinstance(segmentation, dict):
        ends = [(f(ring[::2]), f(ring[1::2])) for f in (min, max) for ring in segmentation]
        xs, ys = zip(*ends, strict=True)
        return float(min(xs)), float(min(ys)), float(max(xs)), float(max(ys))
    borders = np.cumsum(runs_of(segmentation))
    stops = borders[1::2]
    begins = borders[: 2 * len(stops) : 2]
    begins, stops = begins[stops > begins], stops[stops > begins] - 1
    columns, rows = np.divmod(np.r_[begins, stops], size[0])
    if (begins // size[0] != stops // size[0]).any():  # a run goes on in the next column
        rows = np.r_[rows, 0, size[0] - 1]
    return float(columns.min()), float(rows.min()), columns.max() + 1.0, rows.max() + 1.0


def clipped_outline(segmentation: Any, size: tuple[int, int]) -> Any:
    """The part of polygons inside of an image; runs of pixels and unsound polygons as they are."""
    if not isinstance(segmentation, list):
        return segmentation
    if any(_why_not_polygon(ring) for ring in segmentation):
        return segmentation
    rings = [_clipped(np.reshape(ring, (-1, 2)).astype(np.float64), size) for ring in segmentation]
    return [ring.reshape(-1).tolist() for ring in rings if len(ring) and polygon_area(ring)]


def _clipped(ring: Ring, size: tuple[int, int]) -> Ring:
    """A polygon cut off at the border (Sutherland and Hodgman, 1974): side by side."""
    for axis, limit, sign in ((0, 0, 1), (0, size[1], -1), (1, 0, 1), (1, size[0], -1)):
        depth = sign * (ring[:, axis] - limit)
        kept: list[Ring] = []
        for i in range(len(ring)):
            if (depth[i - 1] < 0) != (depth[i] < 0):
                share = depth[i - 1] / (depth[i - 1] - depth[i])
                kept.append(ring[i - 1] + share * (ring[i] - ring[i - 1]))
            if depth[i] >= 0:
                kept.append(ring[i])
        ring = np.array(kept).reshape(-1, 2)
    return ring


def mask_at(
    text: bytes, size: tuple[int, int], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> BinaryMask:
    """A sound COCO segmentation in JSON, looked at in some rows and columns of its image.

    It costs what the object's own rows and columns do, however large the image is (runs of pixels
    are for the whole image, one at a time).

    Args:
        text: The segmentation.
        size: Height and width of the image.
        rows: Rows of the image, in any order.
        columns: Columns of the image.
    """
    top, left, mask = _cut_out(json.loads(text), size)
    mine_y = (rows >= top) & (rows < top + mask.shape[0])
    mine_x = (columns >= left) & (columns < left + mask.shape[1])
    seen = np.zeros((len(rows), len(columns)), dtype=np.bool_)
    seen[np.ix_(mine_y, mine_x)] = mask[np.ix_(rows[mine_y] - top, columns[mine_x] - left)]
    return seen


def polygon_area(ring: Ring) -> float:
    """Area inside a polygon in pixels."""
    x, y = (ring - ring[0]).T
    return float(abs(np.dot(x[:-1], y[1:]) - np.dot(y[:-1], x[1:])) / 2)


def outline_area(segmentation: Any, size: tuple[int, int]) -> float:
    """Number of pixels inside a sound COCO segmentation."""
    if isinstance(segmentation, dict):
        return float(sum(runs_of(segmentation)[1::2]))
    return float(_cut_out(segmentation, size)[2].sum())


def _cut_out(segmentation: Any, size: tuple[int, int]) -> tuple[int, int, BinaryMask]:
    """Top, left and the pixels of a part of the image that holds all of an object.

    Of polygons it is their bounding box, with the pixels whose centres lie inside any of them.
    """
    if isinstance(segmentation, dict):
        return 0, 0, decode(runs_of(segmentation), size)
    rings: list[Ring] = [np.reshape(ring, (-1, 2)).astype(np.float64) for ring in segmentation]
    corners = np.array([(ring.min(axis=0), ring.max(axis=0)) for ring in rings])
    ends = np.stack([np.floor(corners[:, 0]), np.ceil(corners[:, 1])], axis=1)
    boxes = ends.clip(0, (size[1], size[0])).astype(int).reshape(-1, 4)
    left, top = boxes[:, :2].min(axis=0).tolist()
    right, bottom = boxes[:, 2:].max(axis=0).tolist()
    mask = np.zeros((bottom - top, right - left), dtype=np.bool_)
    for ring, (x, y, end_x, end_y) in zip(rings, boxes.tolist(), strict=True):
        inside = _inside(ring - (x, y), (end_y - y, end_x - x))
        mask[y - top : end_y - top, x - left : end_x - left] |= inside
    return top, left, mask


def _inside(ring: Ring, size: tuple[int, int]) -> BinaryMask:
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
    odd: BinaryMask = crossed.reshape(height + 1, width)[:-1].cumsum(axis=0) % 2 == 1
    return odd


def _why_not_polygon(ring: Any) -> str | None:
    if not isinstance(ring, list) or len(ring) < 6 or len(ring) % 2:
        length = len(ring) if isinstance(ring, list) else "no"
        return f"has {length} numbers, but a polygon has an even number of at least six"
    if numbers(ring, len(ring)) is None:
        return "holds something that is not a finite number"
    return None


def _why_not_ring(ring: Any, size: tuple[int, int]) -> str | None:
    if reason := _why_not_polygon(ring):
        return reason
    corners = np.reshape(np.array(ring, dtype=np.float64), (-1, 2))
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
