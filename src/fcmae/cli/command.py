"""A command: its options, what it does with them, and how it tells of the result."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_type_hints

from rich.console import Console as Terminal

from fcmae.cli.shared.console import Console
from fcmae.errors import in_users_words, needs_less
from fcmae.flags import option
from fcmae.options.fields import fields_of

SAVES_MEMORY = {
    "run.micro_batch": "fewer images at a time ({})",
    "run.batch_size": "fewer images at a time ({})",
    "scan.large": "a lower {}",
    "scan.scales": "lower {}",
    "tiles.size": "windows ({})",
    "size": "a smaller {}",
    "images": "fewer {}",
    "loader.workers": "fewer {}",
}
"""Options that say how much memory is taken, in the order in which one would try them."""

PURPOSES = {
    "train": "Train",
    "use": "Use a trained model",
    "look": "Look at models and runs",
    "data": "Look after data",
    "tools": "Tools",
}
"""Headings of the overview of commands."""


def saw_images(result: Any) -> bool:
    """True if a result is of any image, where it says of how many."""
    return getattr(result, "images", None) != 0


@dataclass(frozen=True, kw_only=True)
class Command:
    """One entry of the command line and of the Python interface.

    Attributes:
        options: The dataclass of its options; the docstring is the help.
        run: Does the work and gives back a dataclass that JSON can hold.
        show: Tells a person about the result.
        example: A command line that people can start from.
        purpose: The heading of the overview that it stands under, one of ``PURPOSES``.
        common: The options that most people need beside those that must be given, with spaces
            between: the first page of the help shows these alone.
        positional: The options that may be given without their names, in this order.
        sound: Whether the result is as one hopes, by default whether any image could be used; where
            it is not, the exit code is DataError's.
        rest: The option that takes all words from the first without dashes, or from --, on.
    """

    options: type
    run: Callable[[Any, Console], Any]
    show: Callable[[Any, Terminal], None]
    example: str
    purpose: Literal["train", "use", "look", "data", "tools"]
    common: str = ""
    positional: tuple[str, ...] = ()
    sound: Callable[[Any], bool] = saw_images
    rest: str | None = None

    def __call__(self, options: Any) -> Any:
        """Do the work.

        Raises:
            OutOfMemory: There is too little for what is asked.
            DistributedError: Another process died.
        """
        fields = fields_of(self.options)
        able = {name: words for name, words in SAVES_MEMORY.items() if name in fields}
        ways_out = [words.format(option(name)) for name, words in able.items()]
        with in_users_words(needs_less(ways_out)):
            return self.run(options, Console())

    @property
    def result(self) -> Any:
        """The type of the result, or a union of types."""
        result = get_type_hints(self.run)["return"]
        if isinstance(result, TypeVar):  # the options of a training know it
            options: Any = self.options
            return get_type_hints(options.result)["return"]
        return result

    @property
    def first_page(self) -> list[str]:
        """The options that the first page of the help shows."""
        needed = [field.name for field in fields_of(self.options).values() if field.required]
        return [*needed, *self.common.split()]

    @property
    def summary(self) -> str:
        """The first line of the help."""
        return str(self.options.__doc__).strip().splitlines()[0].rstrip(".")
