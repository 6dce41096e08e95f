"""Merges detections of neighbouring windows, so that each object is found once."""

from collections.abc import Iterator
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from fcmae.data.tiles import Window
from fcmae.evaluation.detections import Cutout, Detections

AGREEMENT = 0.5
"""Overlap of two boxes, where both windows look, from which on they are of the same object."""

EDGE_PX = 1.5
"""A box that ends this near to its window's edge may go on beyond it."""

NEAR = 1 / 8
"""Share of a window's side within which boxes are believed less: one that ends there goes on if
another window has seen it go on."""


def merge_windows(
    found: list[Detections], placed: list[Window], size: tuple[int, int]
) -> Detections:
    """The objects of all windows of an image, each once.

    Two boxes of a class in two windows are of one object if they agree where both windows look; two
    boxes of one window never are. The best box whose window saw the whole object stands for it;
    where every window cut it, the parts are joined.
    """
    parts = [_moved(one, window, size) for one, window in zip(found, placed, strict=True)]
    whole = _together(parts, size)
    if len(whole) == 0:
        return whole
    window_of = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    cut = np.concatenate([_is_cut(p.boxes, w, size) for p, w in zip(parts, placed, strict=True)])
    objects = []
    for members in _groups(whole, window_of, placed):
        for one, other in permutations(members, 2):
            window = placed[window_of[one]]
            cut[one] |= _goes_on(whole.boxes[one], whole.boxes[other], window)
        objects.append(_one(whole, members, cut))
    objects.sort(key=lambda part: -part.scores[0])
    return _together(objects, size)


def _moved(found: Detections, window: Window, size: tuple[int, int]) -> Detections:
    """Moves a window's detections to their place in the image."""
    shift = np.array([window.left, window.top, window.left, window.top])
    masks = found.masks and [
        Cutout(top=m.top + window.top, left=m.left + window.left, mask=m.mask) for m in found.masks
    ]
    return Detections(
        size=size,
        boxes=found.boxes + shift,
        scores=found.scores,
        labels=found.labels,
        masks=masks,
    )


def _together(parts: list[Detections], size: tuple[int, int]) -> Detections:
    masks = [part.masks for part in parts if part.masks is not None]
    return Detections(
        size=size,
        boxes=np.concatenate([part.boxes for part in parts]),
        scores=np.concatenate([part.scores for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        masks=[mask for some in masks for mask in some] if len(masks) == len(parts) else None,
    )


def _is_cut(boxes: NDArray[np.float64], window: Window, size: tuple[int, int]) -> NDArray[np.bool_]:
    """True if boxes reach an edge of their window behind which the image goes on."""
    left, top, right, bottom = _edges(window)
    touches = [
        (boxes[:, 0] < left + EDGE_PX) & (left > 0),
        (boxes[:, 1] < top + EDGE_PX) & (top > 0),
        (boxes[:, 2] > right - EDGE_PX) & (right < size[1]),
        (boxes[:, 3] > bottom - EDGE_PX) & (bottom < size[0]),
    ]
    cut: NDArray[np.bool_] = np.any(touches, axis=0)
    return cut


def _goes_on(box: NDArray[np.float64], other: NDArray[np.float64], window: Window) -> bool:
    """True if a box that ends near an edge of its window is of an object that goes on behind it.

    Args:
        box: What the window shows.
        other: What another window shows of the same object.
        window: That of ``box``.
    """
    near = np.array([window.width, window.height] * 2) * NEAR
    edges = np.array(_edges(window))
    outwards = np.array([-1, -1, 1, 1])
    inside = (edges - box) * outwards
    beyond = (other - edges) * outwards
    return bool(((inside < near) & (beyond > EDGE_PX)).any())


def _groups(
    found: Detections, window_of: NDArray[np.int64], placed: list[Window]
) -> list[list[int]]:
    """Numbers of the boxes that are of one object each, at most one of each window."""
    group_of = {number: [number] for number in range(len(found))}
    for _, a, b in sorted(_pairs(found, window_of, placed), reverse=True):
        one, other = group_of[a], group_of[b]
        if not {window_of[i] for i in one} & {window_of[i] for i in other}:
            one += other
            group_of.update(dict.fromkeys(other, one))
    return [members for number, members in group_of.items() if members[0] == number]


def _pairs(
    found: Detections, window_of: NDArray[np.int64], placed: list[Window]
) -> Iterator[tuple[float, int, int]]:
    """Agreement and numbers of boxes of one class in two windows that agree where both look."""
    edges = np.array([_edges(window) for window in placed])
    inside = np.split(np.arange(len(found)), np.searchsorted(window_of, np.arange(1, len(placed))))
    used = np.array([i for i, numbers in enumerate(inside) if len(numbers)], dtype=np.int64)
    for number, i in enumerate(used.tolist()):
        others = used[number + 1 :]
        low = np.maximum(edges[i, :2], edges[others, :2])
        high = np.minimum(edges[i, 2:], edges[others, 2:])
        for which in np.flatnonzero((low < high).all(axis=1)).tolist():
            a, b = inside[i], inside[others[which]]
            shared = np.concatenate([low[which], high[which]])
            overlaps = _overlaps(*(_within(found.boxes[x], shared) for x in (a, b)))
            alike = found.labels[a][:, None] == found.labels[b][None]
            for left, right in np.argwhere((overlaps >= AGREEMENT) & alike).tolist():
                yield float(overlaps[left, right]), int(a[left]), int(b[right])


def _edges(window: Window) -> tuple[int, int, int, int]:
    """Left, top, right and bottom."""
    return window.left, window.top, window.left + window.width, window.top + window.height


def _within(boxes: NDArray[np.float64], region: NDArray[np.int64]) -> NDArray[np.float64]:
    """Boxes as far as they lie in a region (left, top, right, bottom)."""
    return boxes.clip(np.tile(region[:2], 2), np.tile(region[2:], 2))


def _overlaps(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of every box with every other one; 0 where there is no area."""
    corners = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (corners[1] - corners[0]).clip(min=0).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (a, b)]
    union = areas[0][:, None] + areas[1][None] - shared
    overlaps: NDArray[np.float64] = shared / np.maximum(union, 1e-9)
    return overlaps


def _one(found: Detections, members: list[int], cut: NDArray[np.bool_]) -> Detections:
    """The object that these boxes are of."""
    whole = [number for number in members if not cut[number]]
    best = max(whole or members, key=lambda number: found.scores[number])
    chosen = found.chosen(np.array([best]))
    if whole:
        return chosen
    boxes = found.boxes[members]
    masks = None
    if found.masks is not None:
        mask = found.masks[members[0]]
        for number in members[1:]:
            mask = mask.union(found.masks[number])
        masks = [mask]
    return Detections(
        size=found.size,
        boxes=np.concatenate([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])[None],
        scores=chosen.scores,
        labels=chosen.labels,
        masks=masks,
    )
