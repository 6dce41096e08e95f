"""Contract between the engine and a task. The engine knows no task; tasks know no engine."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor, nn

from fcmae.data.batch import Batch
from fcmae.process_group import Peers


@dataclass(frozen=True, kw_only=True)
class Step:
    """The outcome of one pass over a micro-batch.

    Attributes:
        loss: What to minimise, a scalar averaged over the micro-batch's images.
        logs: Further numbers to show and record: detached scalars, or floats.
    """

    loss: Tensor
    logs: Mapping[str, Tensor | float] = field(default_factory=dict)


class Task(nn.Module, ABC):
    """A model with the meaning of one training step.

    ``task.model`` is what is trained, averaged (EMA) and saved; ``task(batch)`` is one step. Every
    random draw must be a function of the batch's seed, epoch and indices, or come from PyTorch's
    global generator, which the engine seeds anew for each micro-batch.
    """

    model: nn.Module
    frozen: Sequence[nn.Module] = ()

    def freeze(self, parts: Sequence[nn.Module]) -> None:
        """Parts of the model do not learn, and stay in eval mode."""
        for part in parts:
            part.requires_grad_(False)
        self.frozen = tuple(parts)

    def train(self, mode: bool = True) -> "Task":
        """Training mode, in which frozen parts have no share."""
        super().train(mode)
        for part in self.frozen:
            part.eval()
        return self

    def before_step(self, step: int, steps: int, peers: Peers) -> None:
        """Prepare an optimizer step; nothing by default.

        Called once on every process before the step's first micro-batch, with the model in
        training mode. What a task changes in its model here must be a function of the model and
        the arguments, since a resumed run goes on from the state that the step before has left.

        Args:
            step: Optimizer steps done so far, over the whole run.
            steps: Optimizer steps of the whole run.
            peers: The processes that share the step.
        """

    def after_step(self, step: int, numbers: Mapping[str, float]) -> str | None:
        """Returns what a person should know after an optimizer step, or None, as by default.

        Called once on every process. The leading one shows the sentence.

        Args:
            step: Optimizer steps done so far, over the whole run.
            numbers: Loss, logs and rate of the step, the same on every process.
        """
        return None

    @abstractmethod
    def forward(self, batch: Batch) -> Step:
        """Loss of one micro-batch."""


class Evaluation(ABC):
    """Something to measure or draw at intervals while a run trains.

    Attributes:
        name: Prefix of its numbers in the metrics.
        every: Epochs between two evaluations; the last epoch is always evaluated.
        unusable: (path, reason) of the files that the last call had to leave out.
        remarks: Sentences that a person should read after the last call.
    """

    name: str
    every: int
    unusable: Sequence[tuple[str, str]] = ()
    remarks: Sequence[str] = ()

    @abstractmethod
    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """Measure the model (in eval mode, EMA weights where there are any).

        Called on every process at the same time. Files go to ``folder`` and are written by the
        leading process alone; the numbers come back on every process.
        """
