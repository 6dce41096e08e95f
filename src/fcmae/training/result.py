"""The results of trainings, and how they are read from the folder of a run."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcmae.engine.folder import RunFolder
from fcmae.notebook import TrainingResult
from fcmae.training.start import Images


@dataclass(frozen=True, kw_only=True)
class Trained(TrainingResult):
    """The result of a training.

    Attributes:
        out: Folder of the run.
        weights: The final weights: for ``weights`` of the other commands.
        steps: Optimizer steps.
        epochs: Passes over the images.
        metrics: The last loss, and the newest numbers of the evaluations.
    """

    out: Path
    weights: Path
    steps: int
    epochs: int
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FinetuneResult(Trained):
    """The result of a training with labels.

    Attributes:
        weights_best: The weights of the best validation.
        train_images: Images trained on.
        val_images: Images validated on.
    """

    weights_best: Path
    train_images: int
    val_images: int


@dataclass(frozen=True, kw_only=True)
class Done:
    """A run that has ended, from which a task makes its result.

    Attributes:
        folder: Its files.
        images: Its images.
        weights: The final weights.
        steps: Optimizer steps.
        epochs: Passes over the images.
        metrics: The last loss, and the newest numbers of the evaluations.
        best: The highest value of the metric that chose the best weights, if there was any.
    """

    folder: RunFolder
    images: Images
    weights: Path
    steps: int
    epochs: int
    metrics: dict[str, float]
    best: float | None

    def trained(self) -> dict[str, Any]:
        """The fields of ``Trained``."""
        return {
            "out": self.folder.root,
            "weights": self.weights,
            "steps": self.steps,
            "epochs": self.epochs,
            "metrics": self.metrics,
        }

    def finetuned(self, measured: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of ``FinetuneResult``.

        Args:
            measured: What the last validation wrote.
        """
        return {
            **self.trained(),
            "weights_best": self.folder.weights_best,
            "train_images": len(self.images.train),
            "val_images": measured["images"],
        }

    def measured(self, name: str) -> dict[str, Any]:
        """Reads what the last validation wrote into a file of the run, with its tables."""
        found: dict[str, Any] = json.loads((self.folder.root / name).read_text(encoding="utf-8"))
        return found
