"""Weighted nearest neighbours: how good features are, without any training (Wu 2018, DINO)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from fcmae.errors import DataError
from fcmae.evaluation.accuracy import ClassificationResult, accuracy
from fcmae.evaluation.forward import Outputs
from fcmae.types import Logits

MAX_SIMILARITIES = 2**26
"""Pairs of images compared at a time, which bounds the memory."""


def neighbours(
    train: Outputs,
    test: Outputs,
    classes: Sequence[str],
    *,
    k: int = 20,
    temperature: float = 0.07,
    device: torch.device | None = None,
) -> ClassificationResult:
    """Classify ``test`` by a vote of the nearest features of ``train``.

    Args:
        train: Labelled features. Where it is the same object as ``test``, no image is a neighbour
            of itself.
        test: Labelled features.
        classes: Names of the classes.
        k: How many neighbours vote.
        temperature: The vote of a neighbour is the exponential of its cosine similarity over this.
        device: Where to compare; the CPU by default.
    """
    scores = neighbour_scores(
        train, test, len(classes), k=k, temperature=temperature, device=device
    )
    rows = Outputs(indices=test.indices, rows=scores, labels=test.labels, unusable=test.unusable)
    return accuracy(rows, classes)


def neighbour_scores(
    train: Outputs,
    test: Outputs,
    num_classes: int,
    *,
    k: int = 20,
    temperature: float = 0.07,
    device: torch.device | None = None,
) -> Logits:
    """The share of the votes that each class gets."""
    if train.labels is None:
        raise DataError(
            "nearest neighbours vote for their labels, but the training images have none."
        )
    candidates = len(train.rows) - (train is test)
    if k < 1 or candidates < 1:
        raise DataError(
            f"nearest neighbours need at least one neighbour, but there are {candidates} images to "
            f"choose from and k is {k}."
        )
    memory = F.normalize(train.rows.to(device), dim=1)
    labels = train.labels.to(device)
    chunk = max(1, MAX_SIMILARITIES // len(memory))
    scores = torch.zeros(len(test.rows), num_classes, device=device)
    for start in range(0, len(scores), chunk):
        similarity = F.normalize(test.rows[start : start + chunk].to(device), dim=1) @ memory.T
        if train is test:
            similarity.diagonal(start).fill_(-torch.inf)
        nearest = similarity.topk(min(k, candidates), dim=1)
        votes = (nearest.values / temperature).softmax(dim=1)
        rows = torch.arange(start, start + len(votes), device=device)
        # One neighbour after the other: no cell is written twice, so the order of sums is fixed.
        for vote, label in zip(votes.T, labels[nearest.indices].T, strict=True):
            scores[rows, label] += vote
    return scores.cpu()
