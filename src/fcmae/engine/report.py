"""Reports the progress of a run to a person."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """Summary of what a run is about to do.

    Attributes:
        first_step: Steps that are done already.
        steps: Steps of the whole run.
        steps_per_epoch: Steps of one pass over the images.
        epochs: Passes over the images.
        images: Number of images.
        batch_size: Images per optimizer step, over all processes and micro-batches.
        micro_batch: Images per process at a time.
        processes: Number of processes.
        device: What they compute on.
        precision: Type of the matrix products.
        kernels: What computes the hot operations, and why.
        peak_lr: Highest learning rate of the schedule.
        parameters: Number of trained parameters.
        groups: Table of the parameter groups, as text.
    """

    first_step: int
    steps: int
    steps_per_epoch: int
    epochs: int
    images: int
    batch_size: int
    micro_batch: int
    processes: int
    device: str
    precision: str
    kernels: str
    peak_lr: float
    parameters: int
    groups: str

    def __str__(self) -> str:
        done = f" ({self.first_step:,} done)" if self.first_step else ""
        return (
            f"{self.epochs} epochs of {self.images:,} images, {self.steps:,} steps{done}; "
            f"effective batch {self.batch_size} ({self.processes} x {self.micro_batch} at a time), "
            f"peak learning rate {self.peak_lr:.3g}; {self.parameters:,} parameters in "
            f"{self.precision} on {self.device}, kernels: {self.kernels}"
        )


@runtime_checkable
class Reporter(Protocol):
    """Whoever shows the progress of a run. Only the leading process speaks."""

    def start(self, plan: RunPlan) -> None:
        """Training begins, or goes on."""

    def step(self, metrics: Mapping[str, float]) -> None:
        """A step is done: step, epoch, loss, lr, grad_norm, images_per_s, data_wait, and more."""

    def evaluated(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """The evaluations after an epoch are done."""

    def message(self, text: str) -> None:
        """Something a person should know."""

    def finish(self) -> None:
        """Training is over, for whatever reason; always called, perhaps twice."""

    def track(self, items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
        """Pass items on and show how many of ``total`` are done; a batch counts by its length."""

    def counting(self, what: str, total: int) -> AbstractContextManager[Callable[[int], object]]:
        """Show how many of ``total`` things are done: what is entered takes the number of more."""


class Silent:
    """Says nothing."""

    def start(self, plan: RunPlan) -> None:
        """Say nothing."""

    def step(self, metrics: Mapping[str, float]) -> None:
        """Say nothing."""

    def evaluated(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Say nothing."""

    def message(self, text: str) -> None:
        """Say nothing."""

    def finish(self) -> None:
        """Say nothing."""

    def track(self, items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
        """Pass items on."""
        return iter(items)

    def counting(self, what: str, total: int) -> AbstractContextManager[Callable[[int], object]]:
        """Say nothing."""
        return nullcontext(lambda number: None)
