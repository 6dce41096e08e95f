"""The parts of a training that need PyTorch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fcmae.engine.feed import TrainingFeed
from fcmae.task import Evaluation, Task


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The model, images and evaluations of a training.

    Attributes:
        task: The model and the meaning of a step.
        feed: The images.
        evaluations: What is measured and drawn at intervals.
        best: The metric that chooses the best weights, such as ``val/top1``; None without one.
        facts: Facts of the task for the metadata of its weights.
    """

    task: Task
    feed: TrainingFeed
    evaluations: Sequence[Evaluation]
    best: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
