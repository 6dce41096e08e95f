"""What the evaluations report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcmae.files.results import unusable_files
from fcmae.notebook import Result


@dataclass(frozen=True, kw_only=True)
class Evaluated(Result):
    """How well images were classified. Accuracies are shares between 0 and 1.

    Attributes:
        images: Images classified.
        train_images: Labelled images that the features were compared with or fitted to.
        top1: Share whose likeliest class is right.
        top5: Share whose class is among the five likeliest; only for more than five classes.
        per_class: Images, recall and precision of each class.
        confusion: Images of each class (rows) called each class (columns).
        unusable: Files left out, with the reason.
        weight_decay: The one chosen for a linear classifier.
        out: Folder of the picture, where one was asked for.
    """

    images: int
    train_images: int | None = None
    top1: float
    top5: float | None = None
    per_class: list[dict[str, Any]]
    confusion: list[list[int]]
    unusable: list[dict[str, str]] = field(default_factory=list)
    weight_decay: float | None = None
    out: Path | None = None


def evaluated(
    summary: Mapping[str, Any], unusable: Sequence[tuple[str, str]], **more: Any
) -> Evaluated:
    """A report from the summary of a classification."""
    return Evaluated(
        images=summary["images"],
        top1=summary["top1"],
        top5=summary.get("top5"),
        per_class=summary["per_class"],
        confusion=summary["confusion"],
        unusable=unusable_files(unusable),
        **more,
    )
