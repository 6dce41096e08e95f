"""``fcmae launch``: a training in several processes, on one machine, on several, or under SLURM.

torchrun starts and ends the processes, and submitit hands jobs in. What is added to them: the
command is checked before anything starts, and an error is said once (``processes``).
"""

import io
import sys
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_places
from fcmae.flags import option
from fcmae.jobs.options import Job, check_submitit
from fcmae.notebook import Result


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Train in several processes: one for each GPU of this machine, or of a job for SLURM.

    What follows these options is the command to run. A process that dies ends all; the same line
    goes on from the newest checkpoint, also with another number of processes. On several machines
    without SLURM, start the command by torchrun.
    """

    command: list[str]
    """The command with its options, after all others and --, as in: fcmae launch --gpus 2 --
    pretrain --data photos --out runs/pretrain."""

    gpus: int | None = None
    """Processes on this machine; by default as many as it has GPUs. With --run.device cpu in the
    command, processes on the CPU."""

    slurm: bool = False
    """Hand in a job for SLURM that goes back into the queue when its time is up, instead of
    starting anything here."""

    logs: Path = Path("fcmae-jobs")
    """Folder for the state and the logs of SLURM's jobs; all machines have to see it."""

    job: Job = Job()

    def __post_init__(self) -> None:
        if self.gpus is not None and self.gpus < 1:
            raise ValueError(f"gpus is {self.gpus}, but must be at least 1.")
        if self.slurm and self.gpus is not None:
            raise ValueError(f"gpus is for this machine: with slurm, give {option('job.gpus')}.")
        if self.slurm:
            check_submitit()


@dataclass(frozen=True, kw_only=True)
class Launched(Result):
    """Result of a launch.

    Attributes:
        command: The command that ran, or will run.
        processes: Processes of all machines.
        job: Number of the job for SLURM.
        log: File for what the job's first process will say.
    """

    command: list[str] = field(default_factory=list)
    processes: int
    job: str | None = None
    log: Path | None = None


def launch(options: Launch, console: Console) -> Launched:
    """Checks the command, then starts its processes or hands in the job that will."""
    from fcmae.cli.launch.launchable import check_launchable

    check_launchable(options.command)
    if options.slurm:
        return _submit(options)
    from fcmae.cli.launch.processes import run_all

    return Launched(command=options.command, processes=run_all(options))


def _submit(options: Launch) -> Launched:
    """Hands in a job with a process for each GPU of each machine."""
    from fcmae.jobs.submit import JobCommand, executor, submit

    command = [sys.executable, "-m", "fcmae.cli.step", *options.command]
    with redirect_stderr(io.StringIO()):  # submitit repeats what sbatch says, as the error does
        job = submit(executor(options.job, options.logs), JobCommand(command, fails=True))
    return Launched(
        command=options.command, processes=job.num_tasks, job=job.job_id, log=job.paths.stdout
    )


def show_launched(result: Launched, terminal: Terminal) -> None:
    """Shows where the job is; what ran here has spoken for itself."""
    if result.job is not None:
        say(terminal, f"Job {result.job} is in the queue.")
        show_places(terminal, log=result.log)
