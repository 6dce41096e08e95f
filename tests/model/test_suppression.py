"""Soft-NMS against its definition."""

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from fcmae.model.suppression import FLOOR, soft_nms


def overlap(a: list[float], b: list[float]) -> float:
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0.0) * max(height, 0.0)
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (area - shared)


def by_definition(
    boxes: Tensor, scores: Tensor, labels: Tensor, iou: float
) -> tuple[list[int], list[float]]:
    """The pseudo-code of the paper (figure 3), class by class, with its linear penalty."""
    found: list[tuple[float, int]] = []
    for label in labels.unique().tolist():
        left = {i: float(scores[i]) for i in range(len(scores)) if int(labels[i]) == label}
        while left:
            best = max(left, key=lambda i: left[i])
            score = left.pop(best)
            found.append((score, best))
            for other in left:
                shared = overlap(boxes[best].tolist(), boxes[other].tolist())
                if shared >= iou:
                    left[other] *= 1 - shared
    kept = sorted((pair for pair in found if pair[0] >= FLOOR), reverse=True)
    return [index for _, index in kept], [score for score, _ in kept]


def crowded(seed: int, number: int = 40) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    corner = torch.rand(number, 2, generator=draw) * 20
    side = 5 + torch.rand(number, 2, generator=draw) * 15
    boxes = torch.cat([corner, corner + side], dim=1)
    scores = torch.rand(number, generator=draw)
    return boxes, scores, torch.randint(0, 3, (number,), generator=draw)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("iou", [0.3, 0.5])
def test_it_is_the_definition(seed: int, iou: float) -> None:
    boxes, scores, labels = crowded(seed)
    kept, lowered = soft_nms(boxes, scores, labels, iou=iou, most=100)
    expected, values = by_definition(boxes, scores, labels, iou)
    assert kept.tolist() == expected
    assert_close(lowered, torch.tensor(values))


def test_the_best_of_many_are_the_first_of_all() -> None:
    boxes, scores, labels = crowded(7)
    all_kept, all_scores = soft_nms(boxes, scores, labels, iou=0.3, most=100)
    kept, lowered = soft_nms(boxes, scores, labels, iou=0.3, most=5)
    assert kept.tolist() == all_kept[:5].tolist()
    assert_close(lowered, all_scores[:5])


def test_nothing_in_nothing_out() -> None:
    kept, lowered = soft_nms(
        torch.empty(0, 4), torch.empty(0), torch.empty(0, dtype=torch.int64), iou=0.5, most=3
    )
    assert kept.shape == lowered.shape == (0,)
    assert kept.dtype == torch.int64
