"""Options of a job for SLURM."""

import importlib.util
import re
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Job:
    """Resources of a SLURM job, for slurm."""

    name: str = "fcmae"
    """Name of the job."""

    partition: str | None = None
    """Partition of the cluster; by default the cluster's own."""

    account: str | None = None
    """Account that is charged; by default the user's own."""

    hours: float = 24.0
    """Longest time of the job; when it is over, the job saves and goes back into the queue."""

    warning_s: int = 300
    """Seconds before its end that the job is told to save."""

    nodes: int = 1
    """Machines."""

    gpus: int = 1
    """GPUs of each machine, each with a process of its own; 0 computes on the CPU."""

    cpus: int = 8
    """CPU cores of each process."""

    memory_gb: float | None = None
    """Memory on each machine in gigabytes; by default the cluster's own."""

    def __post_init__(self) -> None:
        if not self.hours > 0:
            raise ValueError(f"job.hours is {self.hours}, but must be above 0.")
        for name, least in (("warning_s", 1), ("nodes", 1), ("gpus", 0), ("cpus", 1)):
            value = getattr(self, name)
            if value < least:
                raise ValueError(f"job.{name} is {value}, but must be at least {least}.")
        for name in ("name", "partition", "account"):
            value = getattr(self, name)
            if value is not None and not re.fullmatch(r"[\w.:@/,+-]+", value):
                raise ValueError(f"job.{name} is {value!r}, but must be one word.")


def check_submitit() -> None:
    """Refuses to go on where the library for clusters is missing."""
    if importlib.util.find_spec("submitit") is None:
        raise ValueError("slurm is true, but needs submitit: pip install 'fcmae[slurm]'.")
