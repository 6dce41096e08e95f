"""What the evaluations of several labels or numbers per image report."""

from dataclasses import dataclass, field
from typing import Any

from fcmae.notebook import Result


@dataclass(frozen=True, kw_only=True)
class Estimated(Result):
    """How well values were told.

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
