"""How results look to a person."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal
from rich.text import Text

MAX_CLASSES = 60
MAX_FILES = 20


def say(terminal: Terminal, text: str) -> None:
    """A line that is neither wrapped nor read for markup."""
    terminal.print(Text(text), soft_wrap=True)


def show_table(terminal: Terminal, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Aligned columns; the first is text, the others are numbers."""
    lines = [columns, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for number, line in enumerate(lines):
        first, *others = (cell.rjust(w) for cell, w in zip(line, widths, strict=True))
        text = "  ".join([first.strip().ljust(widths[0]), *others]).rstrip()
        terminal.print(Text(text, style="" if number else "bold"), soft_wrap=True)


def show_classes(per_class: Sequence[Mapping[str, Any]], terminal: Terminal) -> None:
    """The accuracy on each class."""
    shown = [
        (row["name"], f"{row['images']:,}", share(row["recall"]), share(row["precision"]))
        for row in per_class[:MAX_CLASSES]
    ]
    show_table(terminal, ("class", "images", "recall", "precision"), shown)
    show_rest(len(per_class), terminal)


def show_rest(number: int, terminal: Terminal) -> None:
    """Of so many classes, how many a table has left out."""
    if number > MAX_CLASSES:
        say(terminal, f"... and {number - MAX_CLASSES} more classes (--json has all).")


def show_unusable(unusable: Sequence[Mapping[str, str]], terminal: Terminal) -> None:
    """Files that could not be used, and why; nothing where there are none."""
    if unusable:
        say(terminal, f"{number(len(unusable), 'file')} could not be used:")
    for entry in unusable[:MAX_FILES]:
        say(terminal, f"  {entry['path']}: {entry['reason']}")
    if len(unusable) > MAX_FILES:
        say(terminal, f"  ... and {len(unusable) - MAX_FILES} more (--json lists all).")


def show_places(terminal: Terminal, **paths: Path | None) -> None:
    """Where the results lie."""
    for name, path in paths.items():
        if path is not None:
            say(terminal, f"  {name.replace('_', ' '):<10}{path}")


def number(count: int, noun: str) -> str:
    """So many things in words: ``1 image``, ``2,000 images``, ``3 classes``."""
    ending = "" if count == 1 else "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{ending}"


def share(value: float | None) -> str:
    """A share as a percentage."""
    return "-" if value is None else f"{value:.1%}"


def files(unusable: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """Unusable files as JSON lists them."""
    return [{"path": path, "reason": reason} for path, reason in unusable]
