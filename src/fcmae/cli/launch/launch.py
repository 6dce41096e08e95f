"""``fcmae launch``: a training in several processes, on one machine, on several, or under SLURM.

torchrun starts and ends the processes, and submitit hands jobs in. What is added to them: the
command is checked before anything starts, and an error is said once (``processes``).
"""

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_places
from fcmae.jobs.options import Job, check_submitit
from fcmae.notebook import Result

PORT = 29500
"""The port that torchrun takes too, where several machines have to know it beforehand."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Train in several processes: one for each GPU, of one machine or of several.

    What follows these options is the command to run. On several machines the same line is given on
    each, with another --node. A process that dies ends all; the same line goes on from the newest
    checkpoint, also with another number of processes.
    """

    command: list[str]
    """The command with its options, after all others and --, as in: fcmae launch --gpus 2 --
    pretrain --data photos --out runs/pretrain."""

    nodes: int = 1
    """Machines that take part."""

    node: int = 0
    """Which of the machines this is, from 0."""

    gpus: int | None = None
    """Processes on each machine; by default as many as it has GPUs. With --run.device cpu in the
    command, processes on the CPU."""

    address: str | None = None
    """Name or address of machine 0, as the others reach it."""

    port: int | None = None
    """Port of machine 0 to meet at; by default a free one on one machine, and 29500 on several."""

    interface: str | None = None
    """Network interface to talk over, such as eth0; by default the one that the machine's own name
    leads to."""

    slurm: bool = False
    """Hand in a job for SLURM that goes back into the queue when its time is up, instead of
    starting anything here."""

    logs: Path = Path("fcmae-jobs")
    """Folder for the state and the logs of SLURM's jobs; all machines have to see it."""

    job: Job = Job()

    def __post_init__(self) -> None:
        for name in ("nodes", "gpus"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}, but must be at least 1.")
        if not 0 <= self.node < self.nodes:
            raise ValueError(
                f"node is {self.node}, but must be from 0 to {self.nodes - 1}, as nodes is "
                f"{self.nodes}."
            )
        if self.port is not None and not 0 < self.port < 2**16:
            raise ValueError(f"port is {self.port}, but must be from 1 to {2**16 - 1}.")
        if self.slurm and self.gpus is None:
            raise ValueError("slurm needs to know how many GPUs to ask for: give --gpus.")
        if self.slurm:
            check_submitit()
        if self.nodes > 1 and not self.slurm and self.address is None:
            raise ValueError(
                f"nodes is {self.nodes}, but there is no --address by which the machines can reach "
                "machine 0."
            )


@dataclass(frozen=True, kw_only=True)
class Launched(Result):
    """What came of it.

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
        from fcmae.cli.launch.slurm import submit_training

        return submit_training(options)
    from fcmae.cli.launch.processes import run_all

    here = run_all(options)
    return Launched(command=options.command, processes=options.nodes * here)


def show_launched(result: Launched, terminal: Terminal) -> None:
    """Shows where the job is; what ran here has spoken for itself."""
    if result.job is not None:
        say(terminal, f"Job {result.job} is in the queue.")
        show_places(terminal, log=result.log)
