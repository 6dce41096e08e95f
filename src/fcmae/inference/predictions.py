"""Predictions of a model for one image, in Python."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ClassPrediction:
    """The class of an image.

    Attributes:
        name: The likeliest class.
        probability: Its probability.
        probabilities: That of every class, likeliest first.
    """

    name: str
    probability: float
    probabilities: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class PixelPrediction:
    """The class of every pixel.

    Attributes:
        mask: Class index of each pixel (height x width).
        classes: Names of the classes.
    """

    mask: NDArray[np.int64]
    classes: list[str]

    @property
    def shares(self) -> dict[str, float]:
        """Share of the pixels of each class that occurs, largest first."""
        counts = np.bincount(self.mask.ravel(), minlength=len(self.classes))
        order = np.argsort(-counts, kind="stable")
        return {self.classes[i]: float(counts[i] / self.mask.size) for i in order if counts[i]}
