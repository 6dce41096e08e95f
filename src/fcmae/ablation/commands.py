"""Interface to the commands that steps run; the command line provides it, tests provide another."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


class Commands(ABC):
    """The commands that make, measure or look into a run."""

    @abstractmethod
    def names(self) -> list[str]:
        """The commands that a step may be."""

    @abstractmethod
    def options(self, command: str) -> list[str]:
        """The options of a command by dotted name."""

    @abstractmethod
    def numbers(self, command: str) -> list[str]:
        """Numbers in the result of a command."""

    @abstractmethod
    def labelled(self, command: str) -> bool:
        """True if a command needs images with labels."""

    @abstractmethod
    def resolve(
        self, command: str, configs: Sequence[str], values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Every option of a command by dotted name, checked.

        Raises:
            ValueError: No run could use these values; the message is meant for the user.
        """

    @abstractmethod
    def line(self, command: str, words: Sequence[str]) -> list[str]:
        """The program and its arguments that run a command in a process of its own.

        The process ends by itself when its standard input is closed.
        """

    @abstractmethod
    def close(self, name: str, names: Iterable[str]) -> str:
        """`` Did you mean NAME?`` for the closest of the names, or nothing."""
