"""Finds the rank of this process from its environment. (No PyTorch here.)"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fcmae.engine.options import Run

Starter = Literal["torchrun", "srun", "fabric"]

NAMES: dict[Starter, tuple[str, str, str, str]] = {
    "torchrun": ("WORLD_SIZE", "RANK", "LOCAL_RANK", "GROUP_RANK"),
    "srun": ("SLURM_NTASKS", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID"),
    "fabric": ("WORLD_SIZE", "RANK", "LOCAL_RANK", "NODE_RANK"),
}
"""How each tells the number of processes, and which of all, which on its machine, and on which
machine this one is."""

BY_HAND = ("bash", "interactive")
"""Names of SLURM's jobs in which a person types commands, each of which is for one process."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One of several processes that were started together; the default is one on its own.

    Attributes:
        world: How many there are.
        rank: Which of all this is; None as long as nothing tells how many each machine has.
        local: Which of those on its machine.
        machine: Which machine that is.
    """

    world: int = 1
    rank: int | None = 0
    local: int = 0
    machine: int = 0

    @property
    def leads(self) -> bool:
        """True if it is the only one or the first."""
        return not (self.rank or self.local or self.machine)

    @property
    def name(self) -> str:
        """Name of this process in messages."""
        if self.rank is None:
            return f"process {self.local} of machine {self.machine}"
        return f"process {self.rank} of {self.world}"


def place(environment: Mapping[str, str] = os.environ) -> Place:
    """The place of this process."""
    starter = started_by(environment)
    if starter is None:
        return Place()
    world, rank, local, machine = (_number(environment.get(name)) for name in NAMES[starter])
    if machine is None:
        machine = _number(environment.get("GROUP_RANK"))  # where Fabric looks too
    local, machine = local or 0, machine or 0
    if rank is None:  # Fabric's processes learn it last
        rank = _counted(local, machine, here=_number(environment.get("LOCAL_WORLD_SIZE")))
    return Place(world=world or 1, rank=rank, local=local, machine=machine)


def _counted(local: int, machine: int, *, here: int | None) -> int | None:
    """Global rank, if each machine has as many processes as this one; None if nobody knows."""
    if machine == 0:
        return local
    return None if here is None else machine * here + local


def leads() -> bool:
    """True if this is the only process of a run, or the first of several."""
    return place().leads


def started_by(environment: Mapping[str, str]) -> Starter | None:
    """Names the launcher of this process; None for one that was started alone.

    SLURM tells a job's script how many tasks it may have; only those of ``srun`` are there.
    """
    if _number(environment.get("LOCAL_WORLD_SIZE")):
        return "torchrun"
    if "SLURM_STEP_NUM_TASKS" in environment and environment.get("SLURM_JOB_NAME") not in BY_HAND:
        return "srun"
    return "fabric" if "LOCAL_RANK" in environment else None


def processes(run: Run, environment: Mapping[str, str], *, here: int) -> tuple[int, int]:
    """Devices of each machine, and machines; what started the processes has counted them.

    Args:
        run: Decides where nothing did.
        environment: What torchrun or SLURM tell the processes that they start.
        here: Devices to use by default.
    """
    match started_by(environment):
        case "torchrun":
            local = int(environment["LOCAL_WORLD_SIZE"])
            return local, int(environment.get("WORLD_SIZE", local)) // local
        case "srun":
            tasks = int(environment.get("SLURM_NTASKS", "1"))
            nodes = int(environment.get("SLURM_NNODES", "1"))
            return int(environment.get("SLURM_NTASKS_PER_NODE", tasks // nodes)), nodes
    return run.devices or here, run.nodes


def _number(text: str | None) -> int | None:
    """The number that a variable holds, if it does."""
    return int(text) if text is not None and text.isdecimal() else None
