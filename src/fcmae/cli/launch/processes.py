"""The processes of one machine, which torchrun starts, watches and ends.

This file adds only what torchrun cannot do: one line for an error however many processes it
happened to, with the exit code of the one that failed; an equal share of the cores for each; and
an end to all of them when the launcher itself is killed.
"""

import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, launch_agent

from fcmae.cli.launch.launch import Launch
from fcmae.cli.launch.words import LAUNCHED, Words, read_words
from fcmae.engine.signals import ASK_TO_STOP
from fcmae.errors import DistributedError, FcmaeError, Interrupted

SAVING_S = 600
"""How long processes that were asked to stop may take to save (PyTorch before 2.12: 30 s)."""


def run_all(options: Launch) -> int:
    """Runs the command in all processes to its end; returns their number.

    Raises:
        FcmaeError: A process failed; the exit code is its own.
    """
    of = options.gpus or max(1, torch.cuda.device_count())
    codes: Mapping[int, int] = {}
    asked: signal.Signals | None = None
    with tempfile.TemporaryDirectory(prefix="fcmae-launch-") as folder, _inherited(of):
        config = LaunchConfig(
            min_nodes=1,
            max_nodes=1,
            nproc_per_node=of,
            run_id=LAUNCHED,
            rdzv_backend="c10d",
            rdzv_endpoint="127.0.0.1:0",  # any free port
            local_addr="127.0.0.1",
            max_restarts=0,
            logs_specs=DefaultLogsSpecs(log_dir=folder),
            signals_to_handle=",".join(number.name for number in _asking()),
        )
        try:
            launch_agent(config, sys.executable, ["-m", "fcmae.cli.step", *options.command])
        except ChildFailedError as error:
            codes = {rank: process.exitcode for rank, process in error.failures.items()}
        except SignalException as error:
            asked = error.sigval
        said = read_words(Path(folder))
    if said or codes or asked:
        raise failure(said, codes, asked, of=of)
    return of


def failure(
    said: Sequence[Words], codes: Mapping[int, int], asked: signal.Signals | None, *, of: int
) -> FcmaeError:
    """Returns what to say for all processes, with the exit code of the one that failed.

    Args:
        said: What processes said at their end, the first one first.
        codes: The exit codes of those that failed, by their rank.
        asked: The signal that asked the launcher to stop.
        of: Number of processes.
    """
    lost = DistributedError.exit_code
    # torchrun ends the others with SIGTERM, so one that ended so is no cause.
    spoke = {words.rank for words in said}
    silent = [rank for rank in codes if rank not in spoke and codes[rank] != -signal.SIGTERM]
    # A process that misses another may well end before that one, whose error is the cause.
    causes = [words for words in said if words.code != lost] or ([] if silent else list(said))
    if causes:
        first = causes[0]
        alike = of == 1 or first.early or sum(words.text == first.text for words in said) > 1
        error = FcmaeError(first.text if alike else f"process {first.rank} of {of}: {first.text}")
        error.exit_code = first.code
        return error
    if asked is not None:
        again = "The same command begins again, or goes on from the newest checkpoint."
        return Interrupted(
            f"{asked.name}: stopped before the first step. {again}", signal_number=asked
        )
    rank = (silent or list(codes))[0]
    error = FcmaeError(f"process {rank} of {of} {_end(codes[rank])}")
    error.exit_code = codes[rank] if codes[rank] > 0 else lost
    return error


def _end(code: int) -> str:
    """Describes the end of a process that said nothing."""
    if code >= 0:
        return f"ended with code {code}; what it said stands above."
    name = signal.Signals(-code).name
    memory = " (the system does that when memory runs out)" if name == "SIGKILL" else ""
    return (
        f"was ended by {name}{memory}, so the others were ended too. The same line goes on from "
        "the newest checkpoint, or begins again if there is none."
    )


@contextmanager
def _inherited(of: int) -> Iterator[None]:
    """Sets what the processes inherit, silences torchrun, and leaves all as it was.

    The processes end when their standard input is closed (``fcmae.cli.step``). Only this process
    holds its other end, so they end with it, however it ends.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    environment = dict(os.environ)
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (cores or 1) // of)))
    os.environ.setdefault("TORCH_ELASTIC_SHUTDOWN_TIMEOUT", str(SAVING_S))
    main_thread = threading.current_thread() is threading.main_thread()
    handlers = {number: signal.getsignal(number) for number in _asking() if main_thread}
    former, (reading, writing) = os.dup(0), os.pipe()
    os.dup2(reading, 0)
    logging.disable()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        os.dup2(former, 0)
        for descriptor in (former, reading, writing):
            os.close(descriptor)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.environ.clear()
        os.environ.update(environment)


def _asking() -> list[signal.Signals]:
    """Returns the signals that ask to stop, of those that this system has."""
    return [signal.Signals[name] for name in ASK_TO_STOP if hasattr(signal, name)]
