"""What the evaluations of segmenters report."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcmae.notebook import Result


@dataclass(frozen=True, kw_only=True)
class Segmented(Result):
    """How well pixels were classified. Shares are between 0 and 1.

    Attributes:
        images: Images looked at.
        miou: Mean over the classes of intersection over union.
        mean_accuracy: Mean of the shares of each class's pixels that are right.
        pixel_accuracy: Share of all pixels that are right.
        per_class: Pixels, intersection over union and accuracy of each class.
        confusion: Pixels of each class (rows) called each class (columns).
        unusable: Files left out, with the reason.
        out: Folder of the tables and pictures, where one was asked for.
    """

    images: int
    miou: float
    mean_accuracy: float
    pixel_accuracy: float
    per_class: list[dict[str, Any]]
    confusion: list[list[int]]
    unusable: list[dict[str, str]] = field(default_factory=list)
    out: Path | None = None
