"""Evaluates classes of pixels from one confusion matrix."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor

from fcmae.data.annotations import IGNORE
from fcmae.data.batch import Batch
from fcmae.errors import DataError
from fcmae.evaluation.forward import evaluating, gather_unusable
from fcmae.evaluation.scan import Scanner

Confusion = Int[Tensor, "classes classes"]
LabelMap = Int[Tensor, "h w"]


@dataclass(frozen=True, kw_only=True)
class ClassPixels:
    """One row of the table per class; a share is None where nothing was counted.

    Attributes:
        name: The class.
        pixels: How many pixels are of this class.
        iou: Of the pixels that are of the class or called so, the share that are both.
        accuracy: Share of the class's pixels that are called so.
    """

    name: str
    pixels: int
    iou: float | None
    accuracy: float | None


@dataclass(frozen=True, kw_only=True)
class SegmentationResult:
    """mIoU and accuracy of pixels over the whole data set. All shares are between 0 and 1.

    Attributes:
        miou: Mean of the classes' intersection over union, of those that occur or are named.
        mean_accuracy: Mean of the shares of each class's pixels that are right.
        pixel_accuracy: Share of all judged pixels that are right.
        images: Images looked at.
        per_class: One row per class.
        confusion: Number of pixels of each class (rows) that were called each class (columns).
        unusable: (path, reason) of the files that were left out.
    """

    miou: float
    mean_accuracy: float
    pixel_accuracy: float
    images: int
    per_class: list[ClassPixels]
    confusion: Confusion
    unusable: list[tuple[str, str]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Result as JSON."""
        return {
            "images": self.images,
            "unusable": len(self.unusable),
            "miou": self.miou,
            "mean_accuracy": self.mean_accuracy,
            "pixel_accuracy": self.pixel_accuracy,
            "per_class": [vars(row) for row in self.per_class],
            "confusion": self.confusion.tolist(),
        }


def segment(
    scanner: Scanner, batches: Iterable[Batch], classes: Sequence[str]
) -> SegmentationResult:
    """Compare the class of every pixel with its label, exact for any number of processes.

    Args:
        scanner: The model, and how it looks at images.
        batches: This process's images, one in each batch.
        classes: Names of the classes.
    """
    peers = scanner.peers
    counted = torch.zeros(len(classes), len(classes), dtype=torch.int64, device=peers.device)
    images, unusable = 0, list[tuple[str, str]]()
    with evaluating(scanner.model):
        for batch in batches:
            unusable += batch.unusable
            if not len(batch):
                continue
            if batch.targets is None:
                raise DataError("there are no masks to compare with.")
            assert len(batch) == 1
            images += 1
            labels = batch.targets[0]["mask"].to(peers.device).long()
            called = scanner.probabilities(batch.images.to(peers.device))[0].argmax(dim=0)
            counted += confusion_of(labels, called, len(classes))
    rows = peers.gather(counted).cpu().view(-1, len(classes), len(classes))
    total = peers.gather(torch.tensor([images], device=peers.device)).sum()
    return measured(
        rows.sum(dim=0),
        classes,
        images=int(total),
        unusable=gather_unusable(unusable, peers),
    )


def confusion_of(labels: LabelMap, called: LabelMap, num_classes: int) -> Confusion:
    """Pixels of each class (rows) that were called each class (columns); ignored ones are left out.

    Raises:
        DataError: A label is none of the classes.
    """
    judged = labels != IGNORE
    labels, called = labels[judged], called[judged]
    if len(labels) and int(labels.max()) >= num_classes:
        raise DataError(
            f"a pixel has the class {int(labels.max())}, but the model knows 0 to "
            f"{num_classes - 1}: the data have other classes than the model."
        )
    pairs = torch.bincount(labels * num_classes + called, minlength=num_classes**2)
    return pairs.view(num_classes, num_classes)


def measured(
    confusion: Confusion,
    classes: Sequence[str],
    *,
    images: int,
    unusable: Sequence[tuple[str, str]] = (),
) -> SegmentationResult:
    """The numbers of a confusion matrix. A class that nobody has or names is in no mean."""
    right, actual, called = (
        x.tolist() for x in (confusion.diagonal(), confusion.sum(1), confusion.sum(0))
    )
    if not sum(actual):
        raise DataError("there is not one pixel to judge: every mask is ignored, or none is there.")
    per_class = [
        ClassPixels(
            name=name,
            pixels=actual[i],
            iou=_share(right[i], actual[i] + called[i] - right[i]),
            accuracy=_share(right[i], actual[i]),
        )
        for i, name in enumerate(classes)
    ]
    return SegmentationResult(
        miou=_mean([row.iou for row in per_class]),
        mean_accuracy=_mean([row.accuracy for row in per_class]),
        pixel_accuracy=sum(right) / sum(actual),
        images=images,
        per_class=per_class,
        confusion=confusion,
        unusable=list(unusable),
    )


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(shares: Sequence[float | None]) -> float:
    known = [share for share in shares if share is not None]
    return sum(known) / len(known)
