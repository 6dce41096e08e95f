"""The processes of one machine: started together, watched, and ended together.

They find one another by the variables that torchrun sets. torchrun itself waits half a minute for
processes that hang in an exchange with a dead one; this one ends them within seconds.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from fcmae.cli.launch.launch import PORT, Launch
from fcmae.engine.signals import ASK_TO_STOP
from fcmae.errors import LAST_WORDS, DistributedError, FcmaeError, Interrupted

GRACE_S = 3.0
"""How long the others may take to notice that a process is gone, and to say so themselves."""

LAST_S = 2.0
"""How long they may take to obey SIGTERM after that."""

INTERFACE = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME", "TP_SOCKET_IFNAME")


@dataclass(frozen=True, kw_only=True)
class Worker:
    """A process of the run.

    Attributes:
        rank: Its number among those of all machines.
        process: The process, which leads a group with those of its loader.
    """

    rank: int
    process: subprocess.Popen[bytes]

    def send(self, number: int) -> None:
        """Send a signal to the process alone, which answers for its loader."""
        if self.process.poll() is None:
            self.process.send_signal(number)

    def end(self) -> None:
        """End the process and its loader at once."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def gpus_here() -> int:
    """How many GPUs this machine has; without any, one process has to do."""
    import torch

    return max(1, torch.cuda.device_count())


def run_all(options: Launch, gpus: int) -> None:
    """Run the command in all processes of this machine to its end.

    Raises:
        FcmaeError: A process failed; the exit code is its own.
    """
    port = options.port or (PORT if options.nodes > 1 else free_port())
    workers: list[Worker] = []
    asked: list[int] = []
    with tempfile.TemporaryDirectory(prefix="fcmae-launch-") as folder:
        with passing_on(workers, asked):
            for local in range(gpus):
                place = environment(options, local, gpus=gpus, port=port)
                place[LAST_WORDS] = str(Path(folder) / place["RANK"])
                workers.append(_start(options.command, place))
                for number in asked:  # while it was being started
                    workers[-1].send(number)
            failed = wait(workers)
        said = {int(path.name): path.read_text("utf-8") for path in Path(folder).iterdir()}
    if asked and any(worker.process.returncode == -asked[0] for worker in failed):
        raise Interrupted(
            f"{signal.Signals(asked[0]).name}: stopped before the first step. The same command "
            "begins again, or goes on from the newest checkpoint.",
            signal_number=asked[0],
        )
    if failed:
        raise failure(failed, said, of=options.nodes * gpus)


def environment(options: Launch, local: int, *, gpus: int, port: int) -> dict[str, str]:
    """What a process has to know about its place."""
    cores = max(1, len(os.sched_getaffinity(0)) // gpus) if hasattr(os, "sched_getaffinity") else 1
    talk = {} if options.interface is None else dict.fromkeys(INTERFACE, options.interface)
    return {
        "OMP_NUM_THREADS": str(cores),
        **os.environ,
        **talk,
        "TORCHELASTIC_RUN_ID": "fcmae",
        "MASTER_ADDR": options.address or "127.0.0.1",
        "MASTER_PORT": str(port),
        "RANK": str(options.node * gpus + local),
        "LOCAL_RANK": str(local),
        "GROUP_RANK": str(options.node),
        "WORLD_SIZE": str(options.nodes * gpus),
        "LOCAL_WORLD_SIZE": str(gpus),
    }


def wait(workers: Sequence[Worker]) -> list[Worker]:
    """Wait until all have ended; those that failed of their own accord, the first one first.

    The first brings the others to their end.
    """
    failed: list[Worker] = []
    told: list[Worker] = []
    deadlines: list[tuple[float, int]] = []
    while running := [worker for worker in workers if worker.process.poll() is None]:
        failed += _failed_now(workers, [*failed, *told])
        if failed and not deadlines:
            now = time.monotonic()
            deadlines = [(now + GRACE_S + LAST_S, 0), (now + GRACE_S, signal.SIGTERM)]
        elif deadlines and time.monotonic() > deadlines[-1][0]:
            _, number = deadlines.pop()
            told += running
            for worker in running:
                worker.send(number) if number else worker.end()
        time.sleep(0.05)
    return failed + _failed_now(workers, [*failed, *told])


def failure(failed: Sequence[Worker], said: Mapping[int, str], *, of: int) -> FcmaeError:
    """What to say for all processes, each thing once, and the exit code of the first.

    Args:
        failed: The processes that failed, the first one first.
        said: The last words by rank, of those that had any.
        of: Processes of all machines.
    """
    # A process that misses another may well end before that one, whose error is the cause.
    lost = DistributedError.exit_code
    causes = [worker for worker in failed if worker.process.returncode != lost] or failed[:1]
    ends: dict[tuple[bool, str], int] = {}  # whether the process said it, what, and its rank
    for worker in causes:
        words = said.get(worker.rank)
        end = (False, _end(worker)) if words is None else (True, words)
        ends.setdefault(end, worker.rank)
    of_all = of == 1 or (len(ends) == 1 and len(causes) == len(failed) > 1)
    its_own, first = next(iter(ends))
    each = (
        f"process {rank} of {of}{': ' if spoken else ' '}{end}"
        for (spoken, end), rank in ends.items()
    )
    error = FcmaeError(first if its_own and of_all else " ".join(each))
    code = causes[0].process.returncode
    error.exit_code = lost if code < 0 else code
    return error


def _end(worker: Worker) -> str:
    """How a process ended that said nothing."""
    code = worker.process.returncode
    if code >= 0:
        return f"ended with code {code}; what it said stands above."
    name = signal.Signals(-code).name
    memory = " (the system does that when memory runs out)" if name == "SIGKILL" else ""
    return (
        f"was ended by {name}{memory}, so the others were ended too. The same line goes on from "
        "the newest checkpoint, or begins again if there is none."
    )


def free_port() -> int:
    """A port of the loopback address that nobody listens at."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port: int = server.getsockname()[1]
    return port


@contextmanager
def passing_on(workers: Sequence[Worker], asked: list[int]) -> Iterator[None]:
    """Pass signals that ask to stop on to all processes, which save first; leave none behind.

    Args:
        workers: The processes.
        asked: Takes the signals that came.
    """

    def pass_on(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        for worker in workers:
            worker.send(number)

    numbers = [getattr(signal, name) for name in ASK_TO_STOP if hasattr(signal, name)]
    former = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
        for worker in workers:
            worker.end()


def _start(command: Sequence[str], environ: dict[str, str]) -> Worker:
    process = subprocess.Popen(
        [sys.executable, "-m", "fcmae", *command], env=environ, start_new_session=True
    )
    return Worker(rank=int(environ["RANK"]), process=process)


def _failed_now(workers: Sequence[Worker], before: Sequence[Worker]) -> list[Worker]:
    return [worker for worker in workers if worker not in before and worker.process.poll()]
