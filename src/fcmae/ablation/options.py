"""Options of the jobs that compute a plan."""

from dataclasses import dataclass
from typing import Literal

from fcmae.jobs.options import Job


@dataclass(frozen=True, kw_only=True)
class StepJob(Job):
    """Resources of the SLURM job of each step (slurm true)."""

    at_once: int = 32
    """Jobs that may be in the queue at a time."""

    cluster: Literal["slurm", "local"] = "slurm"
    """local starts the jobs as processes of this machine, to try a plan out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at_once < 1:
            raise ValueError(f"job.at_once is {self.at_once}, but must be at least 1.")
