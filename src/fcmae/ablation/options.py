"""Resources of cluster jobs."""

import importlib.util
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Job:
    """Resources of each job of a cluster (--slurm true)."""

    partition: str | None = None
    """Partition of the cluster; by default the cluster's own."""

    account: str | None = None
    """Account that is charged; by default the user's own."""

    hours: float = 24.0
    """Time that a step may take before it is put off and goes on in the next job."""

    gpus: int = 1
    """GPUs of a job, each with a process of its own."""

    cpus: int = 8
    """CPU cores of each process."""

    memory_gb: float | None = None
    """Memory of a job in gigabytes; by default the cluster's own."""

    at_once: int = 32
    """Jobs that may be in the queue at a time."""

    cluster: Literal["slurm", "local"] = "slurm"
    """local starts the jobs as processes of this machine, to try a plan out."""

    def __post_init__(self) -> None:
        if not self.hours > 0:
            raise ValueError(f"job.hours is {self.hours}, but must be above 0.")
        for name, least in (("gpus", 0), ("cpus", 1), ("at_once", 1)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"job.{name} is {getattr(self, name)}, but must be at least {least}."
                )


def check_submitit() -> None:
    """Refuse to go on where the library for clusters is missing."""
    if importlib.util.find_spec("submitit") is None:
        raise ValueError("slurm is true, but needs submitit: pip install 'fcmae[slurm]'.")
