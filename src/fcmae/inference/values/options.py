"""Options and results of evaluating estimators and of estimating labels or numbers of images."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcmae.data.source import ImageSource
from fcmae.inference.options import EvaluateOptions, PredictOptions
from fcmae.notebook import Result


@dataclass(frozen=True, kw_only=True)
class EvaluateValues(EvaluateOptions):
    """Average precision of labels, or error of numbers, on images whose values are known."""

    data: ImageSource
    """A .csv list as fcmae finetune values takes it; of a column split, what is to validate on."""

    weights: str
    """Folder of a run of fcmae finetune values, weights file, or the name of published weights."""

    unknown: float | None = None
    """Number that stands for a value that is not known, such as -1; empty cells always do."""


@dataclass(frozen=True, kw_only=True)
class PredictValues(PredictOptions):
    """Tell the labels or numbers of images: a table with a column for each."""

    weights: str
    """Folder of a run of fcmae finetune values, weights file, or the name of published weights."""

    out: Path
    """Table to write: .csv, .parquet or .npz. A label's column holds its probability."""


@dataclass(frozen=True, kw_only=True)
class Estimated(Result):
    """Average precision of labels, or errors of numbers.

    Attributes:
        images: Images looked at.
        mean_ap: Mean of the labels' average precisions.
        mae: Mean of the numbers' absolute errors.
        r2: Mean of the numbers' explained shares of variance.
        per_value: The same for each label or number.
        unusable: Files left out, with the reason.
    """

    images: int
    mean_ap: float | None = None
    mae: float | None = None
    r2: float | None = None
    per_value: list[dict[str, Any]]
    unusable: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class PredictedValues(Result):
    """Labels or numbers of images.

    Attributes:
        out: The table.
        images: Images looked at.
        means: Mean over the images of each label's probability, or of each number.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    means: dict[str, float]
    unusable: list[dict[str, str]] = field(default_factory=list)
