"""Models the GPU memory and GPU-hours of a run; nothing here is measured."""

from dataclasses import dataclass
from typing import Literal

from fcmae.analysis.step import StepCost

FLOAT32 = 4
MOMENTS = 2
"""Of AdamW, for each parameter."""

GATHERED = 2
"""Blocks that FSDP holds whole at a time: the one that computes, and the next one."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes on each GPU at the highest point of a step.

    Attributes:
        weights: Weights, in float32 whatever computes.
        gradients: Gradients, and the buckets in which DDP sends them.
        optimizer: The moments, and the running average of the weights where there is one.
        copy: The whole model that averaged or sharded weights are evaluated in.
        activations: What forward and backward hold beside all that, with the blocks that FSDP has
            made whole.
    """

    weights: int
    gradients: int
    optimizer: int
    copy: int
    activations: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.gradients + self.optimizer + self.copy + self.activations


def memory(step: StepCost, *, strategy: Literal["ddp", "fsdp"], gpus: int, average: bool) -> Memory:
    """The memory of each of several GPUs.

    Args:
        step: One GPU's share of a step.
        strategy: Whether each holds all weights, or a share of them.
        gpus: How many there are.
        average: Whether the weights are averaged.
    """
    weights = FLOAT32 * step.parameters
    held = -(-weights // gpus) if strategy == "fsdp" else weights
    buckets = weights if strategy == "ddp" and gpus > 1 else 0
    whole = GATHERED * FLOAT32 * step.largest_block if strategy == "fsdp" and gpus > 1 else 0
    return Memory(
        weights=held,
        gradients=held + buckets,
        optimizer=(MOMENTS + average) * held,
        copy=weights if average or strategy == "fsdp" else 0,
        activations=step.activations + whole,
    )


def gpu_hours(flops: float, *, tflops: float, utilisation: float) -> float:
    """Hours of one GPU for so many operations.

    Args:
        flops: The operations.
        tflops: Billions of operations that the GPU could do in a millisecond.
        utilisation: The share of them that it does.
    """
    return flops / (tflops * 1e12 * utilisation) / 3600
