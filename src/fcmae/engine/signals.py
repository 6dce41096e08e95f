"""Signals ask a run to stop; the loop decides when."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

ASK_TO_STOP = ("SIGTERM", "SIGINT", "SIGUSR1")


class StopFlag:
    """Signal that asked this process to stop, if any."""

    signal_number: int | None = None

    @property
    def name(self) -> str:
        """The signal in words."""
        return signal.Signals(self.signal_number or signal.SIGTERM).name


@contextmanager
def stop_flag(before_exit: Callable[[], None]) -> Iterator[StopFlag]:
    """Let these signals raise a flag and nothing else; a second one ends the process at once.

    That is safe at any moment, for checkpoints are whole or do not exist. SIGUSR1 is how SLURM
    warns a job whose time is nearly up.

    Args:
        before_exit: Called before such an end, to leave the terminal in order.
    """
    flag = StopFlag()

    def handle(number: int, frame: FrameType | None) -> None:
        if flag.signal_number is not None:
            before_exit()
            os._exit(128 + number)
        flag.signal_number = number

    if threading.current_thread() is not threading.main_thread():
        yield flag  # only the main thread may have handlers: whoever owns it handles signals
        return
    numbers = [getattr(signal, name) for name in ASK_TO_STOP if hasattr(signal, name)]
    former = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield flag
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
