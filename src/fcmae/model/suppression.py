"""Soft-NMS: overlapping boxes lose score instead of being thrown away (Bodla et al., 2017)."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torchvision.ops import box_iou

FLOOR = 1e-3
"""Boxes whose score sinks below this are dropped (mmdetection's value)."""


def soft_nms(
    boxes: Float[Tensor, "m 4"],
    scores: Float[Tensor, " m"],
    labels: Int[Tensor, " m"],
    *,
    iou: float,
    most: int,
) -> tuple[Int[Tensor, " kept"], Float[Tensor, " kept"]]:
    """Choose boxes one by one, the highest score first; each lowers the scores of its own class.

    A box that overlaps the chosen one by ``iou`` or more has its score multiplied by one minus the
    overlap. Scores only ever sink, so the boxes come out by falling score, and to stop after
    ``most`` of them loses nothing.

    Returns:
        Indices of the boxes chosen, and their lowered scores.
    """
    left = scores.clone()
    kept: list[Tensor] = []
    found: list[Tensor] = []
    for _ in range(min(most, len(scores))):
        score, best = left.max(dim=0)
        if score < FLOOR:
            break
        kept.append(best)
        found.append(score)
        overlap = box_iou(boxes[best][None], boxes)[0]
        lowered = (overlap >= iou) & (labels == labels[best])
        left = torch.where(lowered, left * (1 - overlap), left)
        left[best] = -1
    if not kept:
        return labels[:0], scores[:0]
    return torch.stack(kept), torch.stack(found)
