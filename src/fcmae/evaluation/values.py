"""Evaluates several labels or numbers per image."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.batch import Batch
from fcmae.data.values import ValueAnnotations
from fcmae.errors import DataError
from fcmae.evaluation.forward import Outputs, forward
from fcmae.model.estimator import Estimator
from fcmae.process_group import Peers


@dataclass(frozen=True, kw_only=True)
class ValueScore:
    """One row of the table per label or number; None where it cannot be told.

    Attributes:
        name: The label or number.
        images: Images of which it is known.
        ap: Of a label: average precision, over all thresholds.
        positives: Of a label: images that have it.
        mae: Of a number: mean absolute error, in its own units.
        r2: Of a number: share of its variance that is explained.
    """

    name: str
    images: int
    ap: float | None = None
    positives: int | None = None
    mae: float | None = None
    r2: float | None = None


@dataclass(frozen=True, kw_only=True)
class ValuesResult:
    """Metrics of each value.

    Attributes:
        images: Images looked at.
        per_value: One row per label or number.
        mean_ap: Mean of the labels' average precisions.
        mae: Mean of the numbers' absolute errors.
        r2: Mean of the numbers' explained shares of variance.
        unusable: (path, reason) of the files that were left out.
    """

    images: int
    per_value: list[ValueScore]
    mean_ap: float | None = None
    mae: float | None = None
    r2: float | None = None
    unusable: list[tuple[str, str]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Result as JSON."""
        return {
            "images": self.images,
            "unusable": len(self.unusable),
            "mean_ap": self.mean_ap,
            "mae": self.mae,
            "r2": self.r2,
            "per_value": [vars(row) for row in self.per_value],
        }


def estimate(model: Estimator, batches: Iterable[Batch], peers: Peers | None = None) -> Outputs:
    """For each image the probability of each label, or each number in its own units."""

    def outputs(images: Any) -> Any:
        rows = model(images).float()
        return rows.sigmoid() if model.kind == "labels" else rows

    return forward(outputs, model, batches, peers or Peers())


def judge(found: Outputs, values: ValueAnnotations, names: Sequence[str]) -> ValuesResult:
    """Compare what was said of each image with what is known of it.

    Args:
        found: From ``estimate``, with the images' indices.
        values: What is known of all images.
        names: Of the columns.
    """
    if not len(found.indices):
        raise DataError("there is not one usable image to judge by.")
    said = found.rows.double().numpy()
    truth = values.table[found.indices.numpy()].astype(np.float64)
    score = _label if values.kind == "labels" else _number
    rows = [score(name, said[:, k], truth[:, k]) for k, name in enumerate(names)]
    return ValuesResult(
        images=len(said),
        per_value=rows,
        mean_ap=_mean([row.ap for row in rows]),
        mae=_mean([row.mae for row in rows]),
        r2=_mean([row.r2 for row in rows]),
        unusable=found.unusable,
    )


def average_precision(scores: NDArray[np.float64], has: NDArray[np.bool_]) -> float | None:
    """Mean over the positives of the precision at each one's score; None without positives.

    Images of equal score are taken together, so their order does not matter.
    """
    if not has.any():
        return None
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits, seen = np.cumsum(has[order])[last], np.flatnonzero(last) + 1
    gained = np.diff(hits, prepend=0)
    return float((gained * hits / seen).sum() / has.sum())


def _label(name: str, said: NDArray[np.float64], truth: NDArray[np.float64]) -> ValueScore:
    known = np.isfinite(truth)
    has = truth[known] == 1
    return ValueScore(
        name=name,
        images=int(known.sum()),
        positives=int(has.sum()),
        ap=average_precision(said[known], has),
    )


def _number(name: str, said: NDArray[np.float64], truth: NDArray[np.float64]) -> ValueScore:
    known = np.isfinite(truth)
    if not known.any():
        return ValueScore(name=name, images=0)
    errors, spread = said[known] - truth[known], truth[known] - truth[known].mean()
    total = float((spread**2).sum())
    return ValueScore(
        name=name,
        images=int(known.sum()),
        mae=float(np.abs(errors).mean()),
        r2=1 - float((errors**2).sum()) / total if total > 0 else None,
    )


def _mean(scores: Sequence[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return fmean(known) if known else None
