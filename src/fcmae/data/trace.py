"""The borders of masks as polygons, along the edges of pixels, as GeoJSON writes them."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool
from numpy.typing import NDArray

PixelRing = list[tuple[int, int]]
"""Corners (x, y) of pixels, y downwards; the first comes again at the end."""


def polygons(
    inside: Bool[np.ndarray, "h w"], *, top: int = 0, left: int = 0
) -> list[list[PixelRing]]:
    """The connected parts of a mask: the border of each, then those of its holes.

    Pixels that touch at a corner only are not connected. Together the parts cover exactly the
    mask's pixels.

    Args:
        inside: The mask.
        top: Added to each y.
        left: Added to each x.
    """
    rings = sorted(((signed_area(ring), ring) for ring in _rings(inside)), key=lambda pair: pair[0])
    found = [[ring] for area, ring in rings if area > 0]
    corners = [np.array(part[0], dtype=np.int64) for part in found]
    first, last = (
        np.array([end(xy, axis=0) for xy in corners]).reshape(-1, 2) for end in (np.min, np.max)
    )
    for area, ring in rings:
        if area < 0:
            point = _beside(ring)
            near = np.flatnonzero(((first < point) & (point < last)).all(axis=1))
            # The parts begin with the smallest.
            around = next(i for i in near.tolist() if _encloses(corners[i], point))
            found[around].append(ring)
    return [[[(x + left, y + top) for x, y in ring] for ring in part] for part in found]


def signed_area(ring: PixelRing) -> int:
    """Pixels that a ring encloses, positive where it runs clockwise as seen on a screen."""
    corners = np.array(ring, dtype=np.int64)
    x, y = corners[:, 0], corners[:, 1]
    return int((x[:-1] * y[1:] - x[1:] * y[:-1]).sum()) // 2


def _rings(inside: Bool[np.ndarray, "h w"]) -> Iterator[PixelRing]:
    """Each border, walked with the mask on the right."""
    starts, follow, width = _borders(inside)
    corner = np.zeros(len(starts), dtype=np.bool_)
    # The direction of an edge is told by where it leads.
    steps = starts[follow] - starts
    corner[follow] = steps[follow] != steps
    waiting = np.ones(len(starts), dtype=np.bool_)
    next_edge, is_corner, places = follow.tolist(), corner.tolist(), starts.tolist()
    for first in np.flatnonzero(corner).tolist():
        if not waiting[first]:
            continue
        ring, edge = [], first
        while True:
            if is_corner[edge]:
                waiting[edge] = False
                ring.append((places[edge] % width, places[edge] // width))
            edge = next_edge[edge]
            if edge == first:
                break
        yield [*ring, ring[0]]


def _borders(inside: Bool[np.ndarray, "h w"]) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """The unit edges between inside and outside: where each begins, and which comes next.

    Points are numbered row by row, ``width`` to a row. Where two regions touch at a point, each
    edge goes on along its own pixel.
    """
    height, columns = inside.shape
    width = columns + 1
    around = np.pad(inside, 1)
    # For each side of a pixel: its neighbour there, and the side's first and last point.
    sides = (
        ((-1, 0), (0, 0), (0, 1)),  # top, left to right
        ((0, 1), (0, 1), (1, 1)),  # right, downwards
        ((1, 0), (1, 1), (1, 0)),  # bottom, right to left
        ((0, -1), (1, 0), (0, 0)),  # left, upwards
    )
    starts, ends, pixels = [], [], []
    for (dy, dx), first, last in sides:
        neighbour = around[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + columns]
        y, x = np.nonzero(inside & ~neighbour)
        starts.append((y + first[0]) * width + x + first[1])
        ends.append((y + last[0]) * width + x + last[1])
        pixels.append(y * columns + x)
    start, end, pixel = (np.concatenate(parts) for parts in (starts, ends, pixels))
    order = np.lexsort((pixel, start))
    start, end, pixel = start[order], end[order], pixel[order]
    follow = np.searchsorted(start, end)
    other = np.minimum(follow + 1, len(start) - 1)
    own = (start[other] == end) & (pixel[other] == pixel)
    return start, np.where(own, other, follow), width


def _beside(hole: PixelRing) -> tuple[float, float]:
    """A point of the part that a hole is in: half a pixel to the right of the hole's first edge."""
    (x, y), (x1, y1) = hole[0], hole[1]
    step_x, step_y = np.sign(x1 - x), np.sign(y1 - y)
    return x + step_x / 2 - step_y / 2, y + step_y / 2 + step_x / 2


def _encloses(corners: NDArray[np.int64], point: tuple[float, float]) -> bool:
    """True if a ray to the left from the point crosses the ring an odd number of times."""
    (x, y), (x1, y1) = corners[:-1].T, corners[1:].T
    crossed = (x == x1) & (x < point[0]) & (np.minimum(y, y1) < point[1])
    return bool((crossed & (np.maximum(y, y1) > point[1])).sum() % 2)
