"""Contract between the engine and whatever feeds it images."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from fcmae.data.batch import Batch


@runtime_checkable
class TrainingFeed(Protocol):
    """Batches as a function of the step, whatever came before."""

    @property
    def num_images(self) -> int:
        """Images of one epoch."""

    @property
    def fingerprint(self) -> str:
        """Tells whether two feeds hold the same images."""

    def steps_per_epoch(self, batch_size: int) -> int:
        """Optimizer steps of one epoch."""

    def batches(
        self,
        *,
        first_step: int,
        last_step: int,
        batch_size: int,
        micro_batch: int,
        rank: int = 0,
        world: int = 1,
        pin_memory: bool = False,
    ) -> Iterator[Batch]:
        """Micro-batches of one process for the steps from ``first_step`` up to ``last_step``."""
