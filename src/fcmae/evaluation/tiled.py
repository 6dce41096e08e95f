"""Finding objects in images of any size, window by window, and joining what windows cut apart."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.normalisation import Normalisation
from fcmae.data.objects.table import Objects
from fcmae.data.options import Loader
from fcmae.data.tiles import Regions, Window, open_regions, windows
from fcmae.evaluation.detections import Cutout, Detections, in_pixels
from fcmae.evaluation.forward import evaluating
from fcmae.evaluation.options import Tiling
from fcmae.model.detector import Detector
from fcmae.peers import Peers

AGREEMENT = 0.5
"""Overlap of two boxes, where both windows look, from which on they are of the same object."""

EDGE_PX = 1.5
"""A box that ends this near to its window's edge may go on beyond it."""

NEAR = 1 / 8
"""Share of a window's side within which boxes are believed less: one that ends there goes on if
another window has seen it go on."""


@dataclass(frozen=True, kw_only=True)
class Tiler:
    """A detector that looks at an image in its own size through windows.

    Attributes:
        model: The detector.
        tiling: Size and overlap of the windows.
        batch_size: Windows at once; the result does not depend on it.
        peers: Device and precision.
    """

    model: Detector
    tiling: Tiling
    batch_size: int = 1
    peers: Peers = field(default_factory=Peers)

    def __call__(
        self,
        regions: Regions,
        normalise: Normalisation,
        *,
        done: Callable[[int], object] = lambda number: None,
    ) -> Detections:
        """The objects of an image that is read by windows; what windows share is found once.

        Args:
            regions: The open image.
            normalise: Of the model.
            done: Called with the number of windows that were looked at.
        """
        placed = self._windows(regions.size)
        found: list[Detections] = []
        with evaluating(self.model):
            for start in range(0, len(placed), self.batch_size):
                some = placed[start : start + self.batch_size]
                found += self._look(some, regions, normalise)
                done(len(some))
        return joined(found, placed, regions.size)

    def num_windows(self, size: tuple[int, int]) -> int:
        """How many windows an image of this height and width takes."""
        return len(self._windows(size))

    def _windows(self, size: tuple[int, int]) -> list[Window]:
        return windows(size, self.tiling.size, self.tiling.overlap)

    def _look(
        self, some: list[Window], regions: Regions, normalise: Normalisation
    ) -> Iterator[Detections]:
        tiles = torch.stack([normalise(regions.read(window)) for window in some])
        size = (tiles.shape[-2], tiles.shape[-1])
        stride = self.model.encoder.architecture.stride
        padded = F.pad(tiles, (0, -size[1] % stride, 0, -size[0] % stride))
        with self.peers.autocast():
            found = self.model(padded.to(self.peers.device), [size] * len(some))
        return (in_pixels(one, fitted=size, original=size) for one in found)


Watch = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]
"""Begins to show how many of so many windows of an image are done."""


@contextmanager
def unwatched(name: str, total: int) -> Iterator[Callable[[int], object]]:
    """Shows nothing."""
    yield lambda number: None


def through_windows(
    tiler: Tiler,
    images: ImageList,
    loader: Loader,
    *,
    unusable: list[tuple[str, str]],
    watch: Watch = unwatched,
) -> Iterator[tuple[int, Detections]]:
    """What is found in each image of this process's share, in the images' own size.

    Args:
        tiler: The detector and its windows.
        images: All images; sizes that their labels tell are checked.
        loader: The model's normalisation.
        unusable: Files that had to be left out are added to it.
        watch: Shows the progress of an image.

    Raises:
        DataError: An image has another size than its labels say.
    """
    channels = tiler.model.encoder.architecture.channels
    normalise = Normalisation.of(loader, channels)
    for index in range(tiler.peers.rank, len(images), tiler.peers.size):
        try:
            with open_regions(images.path(index), channels=channels) as regions:
                if isinstance(images.annotations, Objects):
                    images.annotations.check_size(index, regions.size)
                total = tiler.num_windows(regions.size)
                with watch(images.name(index), total) as done:
                    found = tiler(regions, normalise, done=done)
        except UnusableImage as error:
            unusable.append((images.name(index), error.reason))
        else:
            yield index, found


def joined(found: list[Detections], placed: list[Window], size: tuple[int, int]) -> Detections:
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
    """What a window shows, where it lies in the image."""
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
    """Whether boxes reach an edge of their window behind which the image goes on."""
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
    """Whether a box that ends near an edge of its window is of an object that goes on behind it.

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
    for i, one in enumerate(placed):
        for j in range(i + 1, len(placed)):
            shared = _shared(one, placed[j])
            if shared is None:
                continue
            a, b = np.flatnonzero(window_of == i), np.flatnonzero(window_of == j)
            seen = [_within(found.boxes[x], shared) for x in (a, b)]
            alike = found.labels[a][:, None] == found.labels[b][None]
            overlaps = _overlaps(*seen)
            for left, right in np.argwhere((overlaps >= AGREEMENT) & alike).tolist():
                yield float(overlaps[left, right]), int(a[left]), int(b[right])


def _edges(window: Window) -> tuple[int, int, int, int]:
    """Left, top, right and bottom."""
    return window.left, window.top, window.left + window.width, window.top + window.height


def _shared(one: Window, other: Window) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom of what both windows show."""
    a, b = _edges(one), _edges(other)
    left, top, right, bottom = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (left, top, right, bottom) if left < right and top < bottom else None


def _within(boxes: NDArray[np.float64], region: tuple[int, int, int, int]) -> NDArray[np.float64]:
    left, top, right, bottom = region
    return boxes.clip((left, top, left, top), (right, bottom, right, bottom))


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
