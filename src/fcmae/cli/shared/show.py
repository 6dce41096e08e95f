"""Formats results for a person."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal
from rich.text import Text

from fcmae.setup.words import number

MAX_CLASSES = 60
MAX_FILES = 20


def say(terminal: Terminal, text: str) -> None:
    """A line that is neither wrapped nor read for markup."""
    terminal.print(Text(text), soft_wrap=True)


def show_table(terminal: Terminal, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns; the first is text, the others are numbers."""
    lines = [columns, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for index, line in enumerate(lines):
        first, *others = (cell.rjust(w) for cell, w in zip(line, widths, strict=True))
        text = "  ".join([first.strip().ljust(widths[0]), *others]).rstrip()
        terminal.print(Text(text, style="" if index else "bold"), soft_wrap=True)


def show_classes(per_class: Sequence[Mapping[str, Any]], terminal: Terminal) -> None:
    """The accuracy on each class."""
    shown = [
        (row["name"], f"{row['images']:,}", share(row["recall"]), share(row["precision"]))
        for row in per_class[:MAX_CLASSES]
    ]
    show_table(terminal, ("class", "images", "recall", "precision"), shown)
    show_rest(len(per_class), terminal)


def show_rest(count: int, terminal: Terminal) -> None:
    """Of so many classes, how many a table has left out."""
    if count > MAX_CLASSES:
        say(terminal, f"... and {count - MAX_CLASSES} more classes (--json has all).")


def show_unusable(unusable: Sequence[Mapping[str, str]], terminal: Terminal) -> None:
    """Files that could not be used, and why; nothing where there are none."""
    if unusable:
        say(terminal, f"{number(len(unusable), 'file')} could not be used:")
    for entry in unusable[:MAX_FILES]:
        say(terminal, f"  {entry['path']}: {entry['reason']}")
    if len(unusable) > MAX_FILES:
        say(terminal, f"  ... and {len(unusable) - MAX_FILES} more (--json lists all).")


def show_places(terminal: Terminal, **paths: Path | None) -> None:
    """Shows where the results lie."""
    for name, path in paths.items():
        if path is not None:
            say(terminal, f"  {name.replace('_', ' '):<10}{path}")


def share(value: float | None) -> str:
    """A share as a percentage."""
    return "-" if value is None else f"{value:.1%}"
