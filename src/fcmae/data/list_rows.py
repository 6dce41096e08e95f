"""The text of a list as rows of cells: encodings, separators, with a first line of names or none.

Lists are UTF-8, or UTF-16 that says so by its first bytes. Cells stand between commas, semicolons
or tabs, and may be in quotes.
"""

import codecs
import csv
import io
import os
from dataclasses import dataclass
from pathlib import Path

from fcmae.data.list_names import is_path_column
from fcmae.data.naming import shown
from fcmae.errors import DataError

LISTS = (".txt", ".csv", ".tsv")
SEPARATORS = (",", ";", "\t")
FIRST = 100
"""Lines by which a list is known."""

Row = tuple[int, list[str]]
"""Cells of a line, with the number that an editor shows."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The lines of a list that are not blank.

    Attributes:
        source: The file.
        header: Names of the columns.
        rows: The lines below them.
        separator: What stands between the cells.
    """

    source: Path
    header: list[str]
    rows: list[Row]
    separator: str


def is_list(source: Path) -> bool:
    """True if a path is called like a list, and is no folder."""
    return source.suffix.lower() in LISTS and not source.is_dir()


def read_text(source: Path) -> str:
    """The text of a list.

    Raises:
        DataError: It cannot be read.
    """
    try:
        content = source.read_bytes()
        wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{shown(source)} cannot be read as UTF-8 text: {error}. Save it as UTF-8."
        ) from error
    if "\0" in text:
        raise DataError(f"{shown(source)} cannot be read as UTF-8 text: it is no text.")
    return text


def read_rows(source: Path) -> Rows:
    """The lines of a list of columns, below their names.

    A first line without names is taken for a line of the list where it is certain: its first cell
    names a file that is there, and there are no more than two cells.

    Raises:
        DataError: It cannot be read.
    """
    text = read_text(source)
    first, _, rest = text.partition("\n")
    if (said := first.strip().strip('"')).lower().startswith("sep=") and len(said) == 5:
        text, separator = rest, said[-1]  # as Excel tells it
    else:
        separator = _separator_of(text)
    rows = _parsed(source, text, separator)
    if not rows:
        return Rows(source=source, header=[], rows=[], separator=separator)
    header = [name.strip() for name in rows[0][1]]
    if not any(map(is_path_column, header)) and _is_nameless(source, header):
        return Rows(source=source, header=["path", "label"], rows=rows, separator=separator)
    return Rows(source=source, header=header, rows=rows[1:], separator=separator)


def read_lines(source: Path) -> Rows:
    """The lines of a .txt list: a path each, or a path and a class, or columns with names.

    Raises:
        DataError: It cannot be read.
    """
    lines = [
        (number, line.strip())
        for number, line in enumerate(read_text(source).splitlines(), start=1)
        if line.strip()
    ]
    plain = Rows(
        source=source,
        header=["path"],
        rows=[(number, [line]) for number, line in lines],
        separator="\n",
    )
    if any(exists(source, line) for _, line in lines[:FIRST]):
        return plain
    rows = read_rows(source)
    if any(map(is_path_column, rows.header)) and len(rows.header) > 1:
        return rows
    parted = (_two_cells(source, lines, separator) for separator in (*SEPARATORS, " "))
    return next((found for found in parted if found is not None), plain)


def exists(source: Path, path: str) -> bool:
    """True if there is a file at a path relative to a list."""
    try:
        return os.path.exists(os.path.join(source.parent, path))
    except ValueError:
        return False


def _two_cells(source: Path, lines: list[tuple[int, str]], separator: str) -> Rows | None:
    """Lines of a path and a class; None unless all of the first ones are so."""
    rows = [
        (number, [cell.strip() for cell in line.rsplit(separator, 1)]) for number, line in lines
    ]
    if not rows or not all(len(row) == 2 and exists(source, row[0]) for _, row in rows[:FIRST]):
        return None
    return Rows(source=source, header=["path", "label"], rows=rows, separator=separator)


def _separator_of(text: str) -> str:
    """The separator by which the first line names a column of paths, or else has most cells."""
    line = next((line for line in text.splitlines() if line.strip()), "")
    cells = {one: next(csv.reader([line], delimiter=one), []) for one in SEPARATORS}
    named = [
        one
        for one in SEPARATORS
        if len(cells[one]) > 1 and any(is_path_column(name) for name in cells[one])
    ]
    return max(named or SEPARATORS, key=lambda one: len(cells[one]))


def _is_nameless(source: Path, cells: list[str]) -> bool:
    return len(cells) <= 2 and bool(cells[0]) and exists(source, cells[0].replace("\\", "/"))


def _parsed(source: Path, text: str, separator: str) -> list[Row]:
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise DataError(f"{shown(source)} cannot be read as a list: {error}.") from error
