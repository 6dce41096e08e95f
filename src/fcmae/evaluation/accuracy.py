"""From scores to top-1, top-5, a table per class and the confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from fcmae.errors import DataError
from fcmae.evaluation.forward import Outputs
from fcmae.types import Labels, Logits


@dataclass(frozen=True, kw_only=True)
class ClassAccuracy:
    """One row of the table per class; recall and precision are None where nothing was counted.

    Attributes:
        name: The class.
        images: How many images are of this class.
        recall: Share of them that were found.
        precision: Share of the images called so that are.
    """

    name: str
    images: int
    recall: float | None
    precision: float | None


@dataclass(frozen=True, kw_only=True)
class ClassificationResult:
    """Accuracy of a classifier. Accuracies are shares between 0 and 1.

    Attributes:
        top1: Share of images whose highest score is their class.
        top5: Share of images with their class among the five highest scores; None for five classes
            or fewer, where it says nothing.
        classes: Names of the classes.
        per_class: One row per class.
        confusion: Number of images of each class (rows) that were called each class (columns).
        indices: Index in the data set of each image that was classified.
        labels: Its class.
        predictions: What it was called.
        unusable: (path, reason) of the files that were left out.
    """

    top1: float
    top5: float | None
    classes: list[str]
    per_class: list[ClassAccuracy]
    confusion: Int[Tensor, "classes classes"]
    indices: Int[Tensor, " n"]
    labels: Labels
    predictions: Labels
    unusable: list[tuple[str, str]] = field(default_factory=list)

    @property
    def num_images(self) -> int:
        """Number of classified images."""
        return len(self.labels)

    def summary(self) -> dict[str, Any]:
        """Result as JSON, without the row per image."""
        return {
            "images": self.num_images,
            "unusable": len(self.unusable),
            "top1": self.top1,
            **({} if self.top5 is None else {"top5": self.top5}),
            "per_class": [vars(row) for row in self.per_class],
            "confusion": self.confusion.tolist(),
        }


def accuracy(scores: Outputs, classes: Sequence[str]) -> ClassificationResult:
    """Compare the scores of each image, one per class, with its label."""
    if scores.labels is None:
        raise DataError(
            "there are no labels to compare with: put the images into one folder per class, or "
            "give a list with a label column."
        )
    if not len(scores.labels):
        raise DataError("there is not one usable image to classify.")
    _check_labels(scores.labels, classes)
    predictions = scores.rows.argmax(dim=1)
    confusion = torch.bincount(
        scores.labels * len(classes) + predictions, minlength=len(classes) ** 2
    ).view(len(classes), len(classes))
    return ClassificationResult(
        top1=_share(scores.labels == predictions),
        top5=top_k(scores.rows, scores.labels, 5) if len(classes) > 5 else None,
        classes=list(classes),
        per_class=per_class(confusion, classes),
        confusion=confusion,
        indices=scores.indices,
        labels=scores.labels,
        predictions=predictions,
        unusable=scores.unusable,
    )


def top_k(scores: Logits, labels: Labels, k: int) -> float:
    """Share of images with their label among the ``k`` highest scores."""
    best = scores.topk(min(k, scores.shape[1]), dim=1).indices
    return _share((best == labels[:, None]).any(dim=1))


def per_class(
    confusion: Int[Tensor, "classes classes"], classes: Sequence[str]
) -> list[ClassAccuracy]:
    """Recall and precision of each class."""
    right, actual, called = (
        x.tolist() for x in (confusion.diagonal(), confusion.sum(1), confusion.sum(0))
    )
    return [
        ClassAccuracy(
            name=name,
            images=actual[i],
            recall=right[i] / actual[i] if actual[i] else None,
            precision=right[i] / called[i] if called[i] else None,
        )
        for i, name in enumerate(classes)
    ]


def _check_labels(labels: Labels, classes: Sequence[str]) -> None:
    outside = labels[(labels < 0) | (labels >= len(classes))]
    if len(outside):
        raise DataError(
            f"an image has the label {int(outside[0])}, but the classes are 0 to "
            f"{len(classes) - 1}: the data have other classes than the model."
        )


def _share(right: Bool[Tensor, " n"]) -> float:
    return int(right.sum()) / len(right)
