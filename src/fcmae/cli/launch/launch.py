"""``fcmae launch``: a training in several processes, on one machine, on several, or under SLURM."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_places

PORT = 29500
"""The port that torchrun takes too, where several machines have to know it beforehand."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is asked of SLURM, with --slurm."""

    script: Path = Path("fcmae.sbatch")
    """File to write the job's script into."""

    submit: bool = True
    """Hand the script to sbatch, where there is one."""

    name: str = "fcmae"
    """Name of the job."""

    time: str = "24:00:00"
    """Longest time of the job; when it is over, the job goes back into the queue."""

    warning_s: int = 300
    """Seconds before its end that the job is told to save and stop."""

    partition: str | None = None
    """Partition; by default that of the system."""

    account: str | None = None
    """Account to charge."""

    cpus: int = 8
    """Cores for each process."""

    def __post_init__(self) -> None:
        for name in ("warning_s", "cpus"):
            if getattr(self, name) < 1:
                raise ValueError(f"job.{name} is {getattr(self, name)}, but must be at least 1.")
        for name in ("name", "time", "partition", "account"):
            value = getattr(self, name)
            if value is not None and not re.fullmatch(r"[\w.:@/+-]+", value):
                raise ValueError(f"job.{name} is {value!r}, but must be one word.")


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
    """Write a script for SLURM that goes back into the queue when its time is up or when it has to
    make room, instead of starting anything here."""

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
        if self.nodes > 1 and not self.slurm and self.address is None:
            raise ValueError(
                f"nodes is {self.nodes}, but there is no --address by which the machines can reach "
                "machine 0."
            )


@dataclass(frozen=True, kw_only=True)
class Launched:
    """What came of it.

    Attributes:
        command: The command that ran, or will run.
        processes: Processes of all machines.
        script: The script for SLURM.
        submitted: What sbatch answered.
    """

    command: list[str] = field(default_factory=list)
    processes: int
    script: Path | None = None
    submitted: str | None = None


def launch(options: Launch, console: Console) -> Launched:
    """Check the command, then start its processes or write the job that will."""
    from fcmae.cli.launch.launchable import check_launchable
    from fcmae.cli.launch.processes import gpus_here, run_all
    from fcmae.cli.launch.slurm import submit, write_script

    check_launchable(options.command)
    if options.slurm:
        script = write_script(options)
        answer = submit(script) if options.job.submit else None
        processes = options.nodes * (options.gpus or 1)
        return Launched(
            command=options.command, processes=processes, script=script, submitted=answer
        )
    gpus = options.gpus or gpus_here()
    run_all(options, gpus)
    return Launched(command=options.command, processes=options.nodes * gpus)


def show_launched(result: Launched, terminal: Terminal) -> None:
    """Where the script is; what ran has spoken for itself."""
    if result.script is None:
        return
    say(terminal, result.submitted or f"Next: sbatch {result.script}")
    show_places(terminal, script=result.script)
