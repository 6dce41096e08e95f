"""A command: its options, what it does with them, and how it tells of the result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from rich.console import Console as Terminal

from fcmae.cli.shared.console import Console


def saw_images(result: Any) -> bool:
    """Whether a result is of any image, where it says of how many."""
    return getattr(result, "images", None) != 0


@dataclass(frozen=True, kw_only=True)
class Command:
    """One entry of the command line and of the Python interface.

    Attributes:
        options: The dataclass of its options; the docstring is the help.
        run: Does the work and gives back a dataclass that JSON can hold.
        show: Tells a person about the result.
        example: A command line that people can start from.
        positional: The options that may be given without their names, in this order.
        sound: Whether the result is as one hopes, by default whether any image could be used; where
            it is not, the exit code is DataError's.
        rest: The option that takes all words from the first without dashes, or from --, on.
    """

    options: type
    run: Callable[[Any, Console], Any]
    show: Callable[[Any, Terminal], None]
    example: str
    positional: tuple[str, ...] = ()
    sound: Callable[[Any], bool] = saw_images
    rest: str | None = None

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return str(self.options.__doc__).strip().splitlines()[0].rstrip(".")
