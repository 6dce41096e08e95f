"""Exchanges what all ranks must know about a step before the optimizer takes it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor

from fcmae.engine import devices

MOST_SHOWN = 16


@dataclass(frozen=True, kw_only=True)
class Pass:
    """Loss and images of one micro-batch."""

    indices: Tensor
    loss: Tensor
    logs: dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class StepSync:
    """The same on every process.

    Attributes:
        stop: Whether a signal has reached any of them.
        broken: Whether a loss or the gradient is not finite.
        numbers: ``loss`` and the task's logs, averaged over the images of the step, and
            ``grad_norm``.
    """

    stop: bool
    broken: bool
    numbers: dict[str, float]


def sync_step(
    fabric: Fabric, passes: Sequence[Pass], norm: Tensor, *, stop: bool, forgiving: bool
) -> StepSync:
    """Share the numbers of a step, in one small all-reduce.

    Args:
        fabric: The processes.
        passes: This process's micro-batches.
        norm: Norm of the gradient, which all processes share already.
        stop: Whether a signal has reached this process.
        forgiving: Whether the gradient may overflow, as in float16, whose scaler skips that step.
    """
    images = [len(p.indices) for p in passes]
    finite = torch.stack([torch.isfinite(p.loss) for p in passes]).all()
    if not forgiving:
        finite = finite & torch.isfinite(norm)
    means = {"loss": _mean([p.loss for p in passes], images)} | {
        name: _mean([p.logs[name].to(norm.device) for p in passes], images)
        for name in passes[0].logs
    }
    flag = torch.full_like(norm, float(stop))
    mine = torch.stack([flag, (~finite).float(), norm.float(), *means.values()])
    stops, breaks, *shared = devices.total(fabric, mine).tolist()
    numbers = [number / fabric.world_size for number in shared]
    names = ["grad_norm", *means]
    return StepSync(
        stop=stops > 0, broken=breaks > 0, numbers=dict(zip(names, numbers, strict=True))
    )


def blame(fabric: Fabric, passes: Sequence[Pass], agreed: StepSync) -> str:
    """Say what is broken, and which images it came from; every process has to ask."""
    broken = [p.indices for p in passes if not torch.isfinite(p.loss)]
    none = torch.zeros(0, dtype=torch.int64)
    culprits = devices.peers(fabric).gather(torch.cat([*broken, none])).tolist()
    where = "in a micro-batch"
    if not culprits:  # the gradient alone
        culprits = devices.peers(fabric).gather(torch.cat([p.indices for p in passes])).tolist()
        where = "in the batch"
    shown = ", ".join(map(str, culprits[:MOST_SHOWN])) + (", ..." * (len(culprits) > MOST_SHOWN))
    return (
        f"the loss is {agreed.numbers['loss']:.6g} and the norm of the gradient "
        f"{agreed.numbers['grad_norm']:.6g}, {where} of the images {shown}"
    )


def _mean(values: Sequence[Tensor], images: Sequence[int]) -> Tensor:
    """Mean over the images of this process, whose shares are all equal."""
    total = torch.stack([x.float() * n for x, n in zip(values, images, strict=True)]).sum()
    return total / sum(images)
