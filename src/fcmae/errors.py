"""What can go wrong for a user, and the exit code each case ends with.

Options that no run could use raise a plain ``ValueError`` where they are declared; the
command line ends with code 2 for those. Everything that happens later has a class here. A result
that is not sound (``fcmae check`` found something, or no image of a prediction could be used) is no
error, but ends with DataError's code.
"""

LAST_WORDS = "FCMAE_LAST_WORDS"
"""Variable by which a process learns of a file to leave its error in, for whoever started it and
several others to say it once."""


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
    """The device has no room for a batch."""

    exit_code = 8


class Interrupted(FcmaeError):  # noqa: N818 - a signal is not an error
    """A signal asked the run to stop; the finished step is saved."""

    def __init__(self, message: str, *, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
