"""Options of the jobs that compute a plan."""

from dataclasses import dataclass
from typing import Literal

from fcmae.jobs.options import Job


@dataclass(frozen=True, kw_only=True)
class StepJob(Job):
    """What the job of each step asks SLURM for (--slurm true)."""

    gpus: int = 1
    """GPUs of a job, each with a process of its own."""

    at_once: int = 32
    """Jobs that may be in the queue at a time."""

    cluster: Literal["slurm", "local"] = "slurm"
    """local starts the jobs as processes of this machine, to try a plan out."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, least in (("gpus", 0), ("at_once", 1)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"job.{name} is {getattr(self, name)}, but must be at least {least}."
                )
