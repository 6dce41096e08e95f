"""Processes, devices and precision: the engine's one door to Lightning Fabric."""

import logging
import os
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import Any, Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.model_parallel import ModelParallelStrategy
from lightning_fabric.strategies.strategy import Strategy
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from fcmae.engine.memory import keep_freed_memory
from fcmae.engine.options import Run
from fcmae.engine.rank_env import processes, started_by
from fcmae.flags import option
from fcmae.kernels import choice
from fcmae.process_group import Peers

PRECISION: dict[str, Literal["32-true", "bf16-mixed", "16-mixed"]] = {
    "float32": "32-true",
    "bfloat16": "bf16-mixed",
    "float16": "16-mixed",
}
TIMEOUT = timedelta(minutes=10)
"""How long a process waits for the others."""

logging.getLogger("lightning_fabric").setLevel(logging.WARNING)


def launch(run: Run) -> Fabric:
    """Take part in the run's processes: start them, or find those of torchrun or SLURM."""
    choice.choose(run.kernels)
    kind = device_kind(run)
    if kind == "cpu":
        keep_freed_memory()
    if kind == "cuda":
        # Adding up in another order would change the last bits, and a resumed run with them.
        torch.backends.cudnn.deterministic = True
    here = torch.cuda.device_count() if kind == "cuda" else 1
    devices, nodes = processes(run, os.environ, here=here)
    fabric = Fabric(
        accelerator=kind,
        devices=devices,
        num_nodes=nodes,
        strategy=_strategy(run, devices * nodes),
        precision=PRECISION[precision(run, kind)],
        plugins=_environment(os.environ),
    )
    # Depthwise kernels have an axis of length 1, whose stride means nothing.
    warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
    # FSDP warns of what an in-place operation on a block's output would do: there is none.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    fabric.launch()
    if fabric.world_size > 1:
        os.environ.setdefault("RANK", str(fabric.global_rank))  # by which messages name a process
    return fabric


def _environment(environment: Mapping[str, str]) -> LightningEnvironment | None:
    """Cluster environment for Fabric; by default it detects one, SLURM included."""
    others = started_by(environment) in ("torchrun", "srun") or "SLURM_NTASKS" not in environment
    return None if others else LightningEnvironment()


def device_kind(run: Run) -> str:
    """The kind of device that ``run.device`` means on this machine."""
    if run.device == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            "run.device is cuda, but PyTorch finds no CUDA device here: use "
            f"{option('run.device', 'cpu')}, or install a CUDA build of PyTorch."
        )
    if run.device == "mps" and not torch.backends.mps.is_available():
        raise ValueError(
            "run.device is mps, but PyTorch finds no Apple GPU here: use "
            f"{option('run.device', 'cpu')}, or install PyTorch for macOS on Apple silicon."
        )
    if run.device != "auto":
        return run.device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def precision(run: Run, kind: str) -> str:
    """The precision that ``run.precision`` means on this kind of device."""
    if run.precision == "float16" and kind == "cpu":
        raise ValueError("run.precision is float16, but only GPUs compute it: use bfloat16.")
    if run.precision == "float16" and run.strategy == "fsdp":
        # Each shard would find overflows of its own, and the processes would part ways.
        raise ValueError("run.precision float16 does not go with run.strategy fsdp: use bfloat16.")
    if run.precision != "auto":
        return run.precision
    native = kind == "cuda" and torch.cuda.get_device_capability() >= (8, 0)
    return "bfloat16" if native else "float32"


def share_of_batch(fabric: Fabric, batch_size: int) -> int:
    """Number of images of each batch that a rank computes."""
    world = fabric.world_size
    if batch_size % world:
        fits = batch_size // world * world
        either = f"{fits} or {fits + world}" if fits else f"{world}"
        raise ValueError(
            f"optim.batch_size is {batch_size}, but {world} processes share it equally: set it to "
            f"{either}, for example."
        )
    return batch_size // world


def device_name(fabric: Fabric) -> str:
    """The device in words."""
    if fabric.device.type == "cuda":
        return torch.cuda.get_device_name(fabric.device)
    return fabric.device.type


def scaler(fabric: Fabric) -> torch.amp.GradScaler | None:
    """The loss scaling of float16; other precisions have none."""
    plugin = fabric.strategy.precision
    return plugin.scaler if isinstance(plugin, MixedPrecision) else None


def wrap(fabric: Fabric, module: nn.Module) -> nn.Module:
    """Move a module to its device and let the processes share it."""
    fabric.strategy.module_to_device(module)
    wrapped: nn.Module = fabric.strategy.setup_module(module)
    return wrapped


def hold_back_gradients(module: nn.Module, hold: bool) -> AbstractContextManager[None]:
    """Keep gradients to this process, until the last micro-batch of a step sends them."""
    if isinstance(module, DistributedDataParallel):
        return module.no_sync() if hold else nullcontext()
    if isinstance(module, FSDPModule):
        module.set_requires_gradient_sync(not hold)
    return nullcontext()


def whole(x: Tensor) -> Tensor:
    """The full tensor of a sharded one; every process has to ask."""
    return x.full_tensor() if isinstance(x, DTensor) else x


def rows(x: DTensor) -> tuple[int, int]:
    """The first row of a sharded tensor that this process holds, and the one after the last."""
    share = -(-x.shape[0] // x.device_mesh.size())
    start = min(x.device_mesh.get_local_rank() * share, x.shape[0])
    stop = min(start + share, x.shape[0])
    assert x.to_local().shape[0] == stop - start, "FSDP cuts along the first axis, like chunk"
    return start, stop


def peers(fabric: Fabric) -> Peers:
    """The processes of the run, for rooms that do not know Fabric."""

    def gather(rows: Tensor) -> Tensor:
        counts = _from_each(fabric, torch.tensor(len(rows), device=fabric.device))
        most = int(max(counts))
        padded = rows.new_zeros((most, *rows.shape[1:]), device=fabric.device)
        padded[: len(rows)] = rows
        parts = zip(_from_each(fabric, padded), counts, strict=True)
        return torch.cat([part[: int(count)] for part, count in parts]).to(rows.device)

    alone = fabric.world_size == 1
    return Peers(
        rank=fabric.global_rank,
        size=fabric.world_size,
        device=fabric.device,
        autocast=fabric.autocast,
        **({} if alone else {"gather": gather, "total": _total_with_gradient}),
    )


def total(fabric: Fabric, x: Tensor) -> Tensor:
    """The sum of a tensor over the processes."""
    reduced = fabric.all_reduce(x, reduce_op="sum")
    assert isinstance(reduced, Tensor)
    return reduced


class _Total(torch.autograd.Function):
    """A sum over the processes, whose gradient is the sum of theirs: each has used it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        summed = x.clone()
        torch.distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        summed = gradient.clone()
        torch.distributed.all_reduce(summed)
        return summed


def _total_with_gradient(x: Tensor) -> Tensor:
    summed: Tensor = _Total.apply(x)
    return summed


def _from_each(fabric: Fabric, x: Tensor) -> list[Tensor]:
    """The tensors of all processes, which must have the same shape."""
    received = [torch.empty_like(x) for _ in range(fabric.world_size)]
    torch.distributed.all_gather(received, x)
    return received


def full(run: Run) -> str:
    """Advice for a device that has no room for a batch."""
    now = f"{run.micro_batch}" if run.micro_batch else "a process's whole share of the batch"
    return (
        f"the device has no room for a batch: set run.micro_batch (now {now}) to fewer images, "
        "or turn on encoder.checkpointing. Either saves memory; micro-batches also change the "
        "random draws of stochastic depth and mixing."
    )


def _strategy(run: Run, processes: int) -> Strategy | str:
    if run.strategy == "fsdp":
        return ModelParallelStrategy(
            parallelize_fn=_shard,
            data_parallel_size=processes,
            tensor_parallel_size=1,
            timeout=TIMEOUT,
        )
    if processes > 1 or run.strategy == "ddp":
        return DDPStrategy(timeout=TIMEOUT)
    return "auto"


def _shard(module: nn.Module, mesh: DeviceMesh) -> nn.Module:
    """Shard each block on its own, so that one at a time is whole, then what is left."""
    shares = mesh["data_parallel"]
    for part in module.modules():
        if isinstance(part, nn.ModuleList):
            for block in part:
                if not isinstance(block, nn.ModuleList):
                    fully_shard(block, mesh=shares)
    fully_shard(module, mesh=shares)
    return module
