"""Options and results of evaluating classifiers and of classifying images."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcmae.data.source import ImageSource
from fcmae.files.results import unusable_files
from fcmae.inference.options import EvaluateOptions, PredictOptions
from fcmae.notebook import Result


@dataclass(frozen=True, kw_only=True)
class EvaluateClassify(EvaluateOptions):
    """Accuracy of a classifier on labelled images."""

    data: ImageSource
    """Folder with one folder per class (or with a val folder of those, which is then taken), or a
    .csv list with columns path,label."""

    weights: str
    """Folder of a run of fcmae finetune, weights file, or the name of published weights."""

    out: Path | None = None
    """Folder for the confusion matrix as a picture and the table per class."""


@dataclass(frozen=True, kw_only=True)
class PredictClassify(PredictOptions):
    """Classify images: a table of the likeliest classes of each."""

    weights: str
    """Folder of a run of fcmae finetune, weights file, or the name of published weights."""

    out: Path
    """Table to write: .csv, .parquet or .npz (which also holds the probability of every class). One
    that an earlier call wrote is replaced, a file of others never."""

    top: int = 5
    """Likeliest classes to name for each image, at most as many as there are."""

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ValueError(f"top is {self.top}, but must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class Evaluated(Result):
    """Accuracy of a classification. Accuracies are shares between 0 and 1.

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

    @classmethod
    def of(
        cls, summary: Mapping[str, Any], unusable: Sequence[tuple[str, str]], **more: Any
    ) -> "Evaluated":
        """The report of a classification's summary and the files that were left out."""
        return cls(
            images=summary["images"],
            top1=summary["top1"],
            top5=summary.get("top5"),
            per_class=summary["per_class"],
            confusion=summary["confusion"],
            unusable=unusable_files(unusable),
            **more,
        )


@dataclass(frozen=True, kw_only=True)
class Predicted(Result):
    """Classes of images.

    Attributes:
        out: The table.
        images: Images classified.
        classes: How many images were called each class, most frequent first.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    classes: dict[str, int]
    unusable: list[dict[str, str]] = field(default_factory=list)
