"""Finds confident mistakes of a classifier."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from fcmae.types import Labels


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """An image that was called another class than its own.

    Attributes:
        row: Which image.
        label: Its class.
        called: The class it was called.
        confidence: The probability that the model gives that class.
    """

    row: int
    label: int
    called: int
    confidence: float


def confident_mistakes(probabilities: Float[Tensor, "n classes"], labels: Labels) -> list[Mistake]:
    """All mistakes, the surest first."""
    sure, called = probabilities.max(dim=1)
    wrong = (called != labels).nonzero().flatten().tolist()
    found = [
        Mistake(row=i, label=int(labels[i]), called=int(called[i]), confidence=float(sure[i]))
        for i in wrong
    ]
    return sorted(found, key=lambda mistake: (-mistake.confidence, mistake.row))
