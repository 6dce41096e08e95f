"""Children to be killed: PyTorch is imported once, then a child costs milliseconds."""

import itertools
import os
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from types import FrameType

import torch

from fcmae.errors import FcmaeError

IGNORE_THREADS = "ignore:.*multi-threaded.*fork:DeprecationWarning"
"""Python 3.12 and later warn of any fork once a thread has been started."""
FAULT = 99

# PyTorch readies its backward passes once, for the devices that it counts then. A graph traced with
# fake tensors makes it count a GPU that is not there, and threads of a GPU do not survive a fork.
torch.zeros(1, requires_grad=True).backward()


@dataclass
class Child:
    """A forked process; its exit code is that of the error it ended with."""

    action: Callable[[], object]

    def __post_init__(self) -> None:
        sys.stdout.flush()
        self.pid = os.fork()
        if self.pid == 0:
            code = FAULT
            # OpenMP's threads do not survive a fork: a child that asks for some would never end.
            torch.set_num_threads(1)
            try:
                self.action()
                code = 0
            except FcmaeError as error:
                code = error.exit_code
                sys.stderr.write(f"child: {error}\n")
            finally:
                if code == FAULT:
                    traceback.print_exc()
                sys.stderr.flush()
                os._exit(code)

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """The exit code, negative for the signal that ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def lives(self) -> bool:
        """False once it has ended; its exit code is still there for ``wait``."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.wait()


def calls_of(action: Callable[[], object], *, within: str = "") -> int:
    """How many functions are called by an action, done in a child.

    Args:
        action: What to do.
        within: Part of the path of the files whose functions count.
    """
    reading, writing = os.pipe()
    child = Child(lambda: os.write(writing, str(_counted(action, within)).encode()))
    os.close(writing)
    with open(reading) as told:
        calls = told.read()
    assert child.wait() == 0
    return int(calls)


def killed_after(calls: int, action: Callable[[], object], *, within: str = "") -> bool:
    """Do it in a child that is killed at a call of a function; False if it ended before.

    Counted calls fall on the same places on a fast machine and on a slow one, as seconds do not.
    """
    code = Child(lambda: _counted(action, within, calls)).wait()
    assert code in (0, -signal.SIGKILL)
    return code != 0


def _counted(action: Callable[[], object], within: str, last: int | None = None) -> int:
    numbers = itertools.count()

    def count(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and within in frame.f_code.co_filename and next(numbers) == last:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(count)  # of threads that are started from now on
    sys.setprofile(count)
    action()
    sys.setprofile(None)
    threading.setprofile(None)
    return next(numbers)


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait in a child for something that another process does; no child outlives its parent."""
    parent = os.getppid()
    while not holds() and os.getppid() == parent:
        time.sleep(0.001)


def together(action: Callable[[], object], processes: int = 2) -> list[int]:
    """Do the same in several processes, as torchrun would start them; their exit codes."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]

    def one(rank: int) -> None:
        os.environ |= {
            "TORCHELASTIC_RUN_ID": "test", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
            "RANK": str(rank), "LOCAL_RANK": str(rank), "GROUP_RANK": "0",
            "WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes),
        }  # fmt: skip
        action()

    children = [Child(lambda rank=rank: one(rank)) for rank in range(processes)]  # type: ignore[misc]
    return [child.wait() for child in children]
