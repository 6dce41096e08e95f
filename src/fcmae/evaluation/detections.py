"""Detections of a detector, in pixels of the image as it is in the file."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from fcmae.data.objects.rle import compress, encode
from fcmae.model.detector import Detected

INSIDE = 0.5
"""Probability from which on a pixel belongs to an object."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cutout:
    """A mask no larger than its object, and where its upper left corner lies."""

    top: int
    left: int
    mask: NDArray[np.bool_]

    def union(self, other: "Cutout") -> "Cutout":
        """The pixels of either."""
        top, left = min(self.top, other.top), min(self.left, other.left)
        ends = [
            max(a + n, b + m)
            for a, n, b, m in zip(
                (self.top, self.left), self.mask.shape,
                (other.top, other.left), other.mask.shape,
                strict=True,
            )
        ]  # fmt: skip
        mask = np.zeros((ends[0] - top, ends[1] - left), dtype=np.bool_)
        for one in (self, other):
            height, width = one.mask.shape
            rows = slice(one.top - top, one.top - top + height)
            mask[rows, one.left - left : one.left - left + width] |= one.mask
        return Cutout(top=top, left=left, mask=mask)

    def reduced(self, side: int) -> "Cutout":
        """On a grid of squares of pixels: what the mask says at their middles."""
        down, right = ((side // 2 - start) % side for start in (self.top, self.left))
        return Cutout(
            top=(self.top + down) // side,
            left=(self.left + right) // side,
            mask=self.mask[down::side, right::side],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """The objects found in one image, best first.

    Attributes:
        size: Height and width of the image.
        boxes: Left, top, right and bottom in pixels (objects 4).
        scores: Between 0 and 1.
        labels: Index of each object's class.
        masks: The pixels of each object; None from a detector of boxes.
        classes: Names of all classes, where they are known.
    """

    size: tuple[int, int]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    labels: NDArray[np.int64]
    masks: list[Cutout] | None
    classes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def names(self) -> list[str]:
        """The class of each object by name; its index where names are not known."""
        return [self.classes[i] if self.classes else str(i) for i in self.labels.tolist()]

    def coco(self, number: int) -> dict[str, Any]:
        """Box, score and pixels of an object as COCO writes results."""
        left, top, right, bottom = self.boxes[number].tolist()
        entry = {
            "bbox": [round(x, 2) for x in (left, top, right - left, bottom - top)],
            "score": round(float(self.scores[number]), 5),
        }
        if self.masks is None:
            return entry
        cutout = self.masks[number]
        runs = encode(cutout.mask, top=cutout.top, left=cutout.left, size=self.size)
        return {**entry, "segmentation": {"size": list(self.size), "counts": compress(runs)}}

    def reduced(self, side: int) -> "Detections":
        """The same in an image whose pixels are squares of this one's."""
        return replace(
            self,
            size=(self.size[0] // side, self.size[1] // side),
            boxes=self.boxes / side,
            masks=None if self.masks is None else [mask.reduced(side) for mask in self.masks],
        )

    def above(self, score: float) -> "Detections":
        """The objects of at least this score."""
        kept = np.flatnonzero(self.scores >= score)
        return self.chosen(kept)

    def chosen(self, numbers: NDArray[np.int64]) -> "Detections":
        """These objects, in this order."""
        return replace(
            self,
            boxes=self.boxes[numbers],
            scores=self.scores[numbers],
            labels=self.labels[numbers],
            masks=None if self.masks is None else [self.masks[i] for i in numbers.tolist()],
        )


def in_pixels(found: Detected, *, fitted: tuple[int, int], original: tuple[int, int]) -> Detections:
    """Converts detections in a view to the pixels of the file.

    Args:
        found: What the detector says.
        fitted: Height and width of the picture in the view.
        original: Height and width of the picture in the file.
    """
    scale = torch.tensor([original[1] / fitted[1], original[0] / fitted[0]]).repeat(2)
    most = torch.tensor([original[1], original[0]]).repeat(2)
    boxes = (found.boxes.cpu() * scale).clamp(min=0).minimum(most)
    masks = None
    if found.masks is not None:
        grids = found.masks.cpu()
        masks = [paste(grid, box, original) for grid, box in zip(grids, boxes, strict=True)]
    return Detections(
        size=original,
        boxes=boxes.double().numpy(),
        scores=found.scores.cpu().double().numpy(),
        labels=found.labels.cpu().numpy(),
        masks=masks,
    )


def paste(
    grid: Float[Tensor, "side side"], box: Float[Tensor, " 4"], size: tuple[int, int]
) -> Cutout:
    """The pixels of an image at whose centres a mask's grid, spread over its box, says inside.

    Nothing is rounded before the grid is read at each pixel's centre, as in detectron2 and
    mmdetection; torchvision rounds the box first.
    """
    left, top, right, bottom = box.tolist()
    columns = torch.arange(max(int(left), 0), min(int(np.ceil(right)), size[1]))
    rows = torch.arange(max(int(top), 0), min(int(np.ceil(bottom)), size[0]))
    x = (columns + 0.5 - left) / max(right - left, 1e-6) * 2 - 1
    y = (rows + 0.5 - top) / max(bottom - top, 1e-6) * 2 - 1
    places = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], dim=-1)
    inside = F.grid_sample(grid[None, None], places[None].to(grid.dtype), align_corners=False)
    return Cutout(
        top=max(int(top), 0), left=max(int(left), 0), mask=(inside[0, 0] >= INSIDE).numpy()
    )
