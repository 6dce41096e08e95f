"""The names of classes: one per line, in the order of their numbers; with numbers or colours."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fcmae.data.naming import shown
from fcmae.data.segments.colours import Colour, are_distinct
from fcmae.errors import DataError

MAX_BYTES = 1_000_000
IGNORED = "__ignore__"
"""The first line of labelme's lists, which is no class."""

NUMBERED = re.compile(r"(\d+)\s*[\s:;,=]\s*(.+)")
"""A number and a name."""

COLOURED = (
    re.compile(r"(?P<name>.+?)\s*[:,;\s]\s*(?P<r>\d+)\s*[,;\s]\s*(?P<g>\d+)\s*[,;\s]\s*(?P<b>\d+)"),
    re.compile(r"(?P<r>\d+)[,;\s]+(?P<g>\d+)[,;\s]+(?P<b>\d+)[,;\s]+(?P<name>.+)"),
)
"""A name with red, green and blue behind it, or before it."""

HEADERS = re.compile(r"(#.*|name\s*,.*|pixel value\s*,.*|class\s*,.*|label\s*,.*)", re.IGNORECASE)
"""First lines that name columns, as in CVAT's labelmap.txt and in class_dict.csv."""


@dataclass(frozen=True, kw_only=True)
class NamedClasses:
    """Classes as a file names them.

    Attributes:
        names: Their names.
        numbers: Their numbers in masks, where the file tells them and they are not 0, 1, 2, ...
        colours: Their colours in masks, where the file tells them.
    """

    names: tuple[str, ...]
    numbers: tuple[int, ...] | None = None
    colours: tuple[Colour, ...] | None = None


def read_classes(file: Path) -> NamedClasses:
    """Line ``k`` names class ``k``, from 0; empty lines at the end do not count.

    Every line may begin with the number of its class instead, or hold red, green and blue. A first
    line that names such columns is passed over.

    Raises:
        DataError: The file cannot be read, or a name is missing or appears twice.
    """
    try:
        if file.stat().st_size > MAX_BYTES:
            raise DataError(f"{shown(file)} is too large to be a list of classes.")
        lines = file.read_text(encoding="utf-8-sig").rstrip().splitlines()
    except OSError as error:
        raise DataError(f"{shown(file)} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{shown(file)} is not text in UTF-8.") from error
    return _parsed([line.strip() for line in lines], shown(file))


def _parsed(lines: list[str], where: str) -> NamedClasses:
    below = lines[1:] if lines and HEADERS.fullmatch(lines[0]) else lines
    if (coloured := _coloured([re.sub(r":[^:]*:[^:]*$", "", x) for x in below], where)) is not None:
        return coloured
    if (numbered := _numbered(below, where)) is not None:
        return numbered
    lines = lines[1:] if lines and lines[0] == IGNORED else lines
    return NamedClasses(names=checked_classes(lines, where))


def _coloured(lines: list[str], where: str) -> NamedClasses | None:
    for form in COLOURED:
        found = [form.fullmatch(line) for line in lines]
        told = [match for match in found if match is not None]
        if not told or len(told) < len(lines):
            continue
        colours = tuple((int(m["r"]), int(m["g"]), int(m["b"])) for m in told)
        if max(map(max, colours)) > 255 or not are_distinct(colours):
            raise DataError(
                f"{where} holds colours, but each class needs one of its own, with red, green and "
                "blue from 0 to 255."
            )
        names = [match["name"].strip().strip('"') for match in told]
        return NamedClasses(names=checked_classes(names, where), colours=colours)
    return None


def _numbered(lines: list[str], where: str) -> NamedClasses | None:
    found = [NUMBERED.fullmatch(line) for line in lines]
    told = [match for match in found if match is not None]
    if not told or len(told) < len(lines):
        return None
    numbers = tuple(int(match[1]) for match in told)
    if len(set(numbers)) < len(numbers):
        return None
    names = checked_classes([match[2].strip().strip('"') for match in told], where)
    return NamedClasses(names=names, numbers=None if is_plain(numbers) else numbers)


def is_plain(numbers: Sequence[int]) -> bool:
    """True if numbers are 0, 1, 2, ..."""
    return list(numbers) == list(range(len(numbers)))


def checked_classes(names: list[str], where: str) -> tuple[str, ...]:
    """The names, if there are two or more, none of them empty and each there once."""
    if "" in names:
        raise DataError(f"{where}, line {names.index('') + 1}: a class without a name.")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise DataError(f"{where} names the class {twice[0]} twice.")
    if len(names) < 2:
        raise DataError(f"{where} names {len(names)} classes, but two is the least.")
    return tuple(names)
