"""Processes of this machine: each step is a child that cannot take the runner with it."""

import os
import signal
import subprocess
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from fcmae.engine.lock import hold, probe
from fcmae.errors import StorageError
from fcmae.flags import option

WAIT_S = 120.0
"""How long a run that is ending, as after a kill of its runner, is waited for."""
POLL_S = 0.2
VISIBLE = "CUDA_VISIBLE_DEVICES"


class Launcher(ABC):
    """Runs steps somewhere: in this process, over GPUs, or as jobs.

    Attributes:
        places: How many at a time.
    """

    places: int

    @abstractmethod
    def run(self, line: Sequence[str], folder: Path, log: Path, place: int) -> int:
        """Run a command to its end; its exit code, negative for the signal that ended it."""

    @abstractmethod
    def stop(self, number: int) -> None:
        """Pass a signal on to all that runs, and begin nothing more."""


class Here(Launcher):
    """Child processes, one at a time or one for each GPU.

    Args:
        gpus: GPUs to give to one child each; None gives a single child all that there is.
    """

    def __init__(self, gpus: int | None = None) -> None:
        self.places = gpus or 1
        self._gpus = None if gpus is None else _names_of(gpus)
        self._alive: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.RLock()  # a signal's handler may come while it is held
        self._stopped: int | None = None

    def run(self, line: Sequence[str], folder: Path, log: Path, place: int) -> int:
        """Run a child whose standard input stays open for as long as this process lives."""
        until = time.monotonic() + WAIT_S
        wait_for(folder, lambda: time.monotonic() > until)
        own = {} if self._gpus is None else {VISIBLE: self._gpus[place]}
        with log.open("ab") as file:
            with self._guard:
                if self._stopped is not None:
                    return 128 + self._stopped
                child = subprocess.Popen(
                    line,
                    stdin=subprocess.PIPE,
                    stdout=file,
                    stderr=file,
                    env={**os.environ, **own},
                    start_new_session=True,  # so that Ctrl-C reaches it once, through us
                )
                self._alive.add(child)
                if self._stopped is not None:  # while the child was being started
                    child.send_signal(self._stopped)
            try:
                return child.wait()
            finally:
                with self._guard:
                    self._alive.discard(child)
                    if child.stdin is not None:
                        child.stdin.close()

    def stop(self, number: int) -> None:
        """Send the signal to every child; a second one may end them at once."""
        with self._guard:
            self._stopped = number
            for child in self._alive:
                child.send_signal(number)


@contextmanager
def passing_on_signals(launcher: Launcher) -> Iterator[list[int]]:
    """Pass SIGTERM and SIGINT on to what runs; those that came are in the list given."""
    came: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        came.append(number)
        launcher.stop(number)

    if threading.current_thread() is not threading.main_thread():
        yield came  # only the main thread may have handlers: whoever owns it handles signals
        return
    former = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield came
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def _names_of(gpus: int) -> list[str]:
    """The first GPUs of those that this process may see."""
    seen = [name.strip() for name in os.environ.get(VISIBLE, "").split(",") if name.strip()]
    names = seen or [str(number) for number in range(gpus)]
    if len(names) < gpus:
        raise ValueError(
            f"gpus is {gpus}, but {VISIBLE} names {len(names)}: give "
            f"{option('gpus', str(len(names)))}."
        )
    return names[:gpus]


def wait_for(folder: Path, enough: Callable[[], bool]) -> None:
    """Wait for a run that is in a folder still, as after its runner was killed.

    Raises:
        StorageError: It was there still when there had been enough of waiting.
    """
    probe(folder)
    while True:
        try:
            with hold(folder):
                return
        except StorageError:
            if enough():
                raise
        time.sleep(POLL_S)
