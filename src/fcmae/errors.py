"""Errors that a user can mend, and the exit code of each.

Options that no run could use raise a plain ``ValueError`` where they are declared; the
command line ends with code 2 for those. Everything that happens later has a class here. A result
that is not sound (``fcmae check`` found something, or no image of a prediction could be used) is no
error, but ends with DataError's code.
"""

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

NO_MEMORY = ("out of memory", "can't allocate memory", "MemoryError", "bad_alloc")
"""How PyTorch's RuntimeErrors, also those of the loader's processes, tell that memory is full."""

LOST = ("gloo/transport", "Connection closed by peer", "Timed out waiting")
"""How its plain RuntimeErrors tell that a process is gone."""


class FcmaeError(Exception):
    """An error whose message is meant for the user: rule, value received, way out."""

    exit_code = 1


class CheckpointError(FcmaeError):
    """No usable checkpoint or weights, or weights of another model."""

    exit_code = 3


class StorageError(FcmaeError):
    """The output directory cannot be written, is full, or belongs to a running run."""

    exit_code = 4


class NonFiniteError(FcmaeError):
    """A loss or gradient is NaN or infinite."""

    exit_code = 5


class DataError(FcmaeError):
    """The images or labels cannot be used."""

    exit_code = 6


class DistributedError(FcmaeError):
    """A process of the run died or stopped answering."""

    exit_code = 7


class OutOfMemory(FcmaeError):  # noqa: N818 - the field says "out of memory"
    """Memory, or the device's, has no room for what is asked."""

    exit_code = 8


class Interrupted(FcmaeError):  # noqa: N818 - a signal is not an error
    """A signal asked the run to stop; the finished step is saved."""

    def __init__(self, message: str, *, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


def is_out_of_memory(error: BaseException) -> bool:
    """True if an error of Python, of the system or of PyTorch says that memory is full."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    if isinstance(error, ImportError):  # of a library that is loaded when it is needed
        return "failed to map segment" in str(error) or "allocate memory" in str(error)
    said = isinstance(error, RuntimeError) and any(sign in str(error) for sign in NO_MEMORY)
    return said or isinstance(error, MemoryError)


def is_lost(error: BaseException) -> bool:
    """True if an error of PyTorch says that another process is gone."""
    signs = isinstance(error, RuntimeError) and any(sign in str(error) for sign in LOST)
    return signs or "DistError" in {kind.__name__ for kind in type(error).__mro__}


def needs_less(ways_out: Sequence[str]) -> str:
    """That memory is full, and what needs less of it."""
    [*others, last] = ways_out or ["a smaller image"]
    less = f"{', '.join(others)} or {last} need" if others else f"{last} needs"
    return f"there is too little memory: {less} less of it."


@contextmanager
def in_users_words(full: str) -> Iterator[None]:
    """Say what to do about full memory, or that a process is lost.

    Args:
        full: What to say where memory is full.

    Raises:
        OutOfMemory: It was full inside.
        DistributedError: Another process is gone.
    """
    try:
        yield
    except (MemoryError, RuntimeError, OSError, ImportError) as error:
        if is_out_of_memory(error):
            raise OutOfMemory(full) from error
        if is_lost(error):
            raise DistributedError(f"another process died or stopped answering: {error}") from error
        raise
