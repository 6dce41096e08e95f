"""The cells of a list of values, and what is wrong with them, line by line."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fcmae.data.list_classes import line_of
from fcmae.data.list_names import (
    UNKNOWN_WORDS,
    path_column,
)
from fcmae.data.list_rows import Rows
from fcmae.data.list_splits import SplitColumn, split_column
from fcmae.data.naming import shown
from fcmae.data.problem import Problem
from fcmae.data.text_list import rows_of
from fcmae.errors import DataError

ValueKind = Literal["labels", "numbers"]
TAGS = "labels"
"""The column that may name the labels of an image."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The lines of a list that name an image.

    Attributes:
        source: The file.
        names: Names of the columns of values.
        numbers: On which line of the file each of these lines ends.
        paths: What each names.
        cells: Its values, as they are written; as many as there are names.
        splits: The part that it belongs to (train, val, test), empty where the list tells none.
        problems: What is wrong with the lines.
    """

    source: Path
    names: tuple[str, ...]
    numbers: list[int]
    paths: list[str]
    cells: list[list[str]]
    splits: list[str]
    problems: list[Problem]

    @property
    def tagged(self) -> bool:
        """True if a single column names the labels of each image."""
        return [name.lower() for name in self.names] == [TAGS]

    def in_order(self) -> tuple[Problem, ...]:
        """Problems, sorted by line."""
        return tuple(sorted(self.problems, key=line_of))

    def complain(self, line: int, reason: str) -> None:
        """Note a problem."""
        self.problems.append(_problem(self.source, line, reason))


def read_sheet(source: Path) -> Sheet:
    """Take a list apart, noting lines that are not like the first one."""
    listed = rows_of(source)
    header, path, split = listed.header, path_column(listed.header), split_column(listed)
    if path is None:
        raise DataError(
            f"the first line of {shown(source)} must name its columns path and one for each label "
            f"or number, but it is {','.join(header)!r}."
        )
    columns = _columns(listed, {path, None if split is None else split.place})
    sheet = Sheet(
        source=source, names=tuple(header[i] for i in columns), numbers=[], paths=[], cells=[],
        splits=[], problems=[],
    )  # fmt: skip
    told = list[str]()
    for number, row in listed.rows:
        even = _is_even(sheet, number, row, len(header))
        wide = [cell.strip() for cell in row] + [""] * len(header)
        if not wide[path]:
            sheet.complain(number, "it names no image")
            continue
        sheet.numbers.append(number)
        sheet.paths.append(wide[path])
        sheet.cells.append([known(wide[i]) if even else "" for i in columns])
        told.append(wide[split.place] if even and split is not None else "")
    sheet.splits.extend(_parts(sheet, split, told))
    _take_decimal_commas(sheet, listed.separator)
    return sheet


def known(cell: str) -> str:
    """A cell, empty where it holds a word for a value that is not known."""
    return "" if cell.lower() in UNKNOWN_WORDS else cell


def _take_decimal_commas(sheet: Sheet, separator: str) -> None:
    """Write 0,5 as 0.5 where semicolons stand between the cells, as spreadsheets write both."""
    if separator == ";" and not sheet.tagged:
        for cells in sheet.cells:
            cells[:] = [
                cell.replace(",", ".") if cell.count(",") == 1 and "." not in cell else cell
                for cell in cells
            ]


def _columns(listed: Rows, others: set[int | None]) -> list[int]:
    """Columns that hold values: all others that have a name, or something in them."""
    source, header, rows = listed.source, listed.header, listed.rows
    twice = [name for name, count in Counter(header).items() if name and count > 1]
    if twice:
        raise DataError(
            f"{_problem(source, 1, f'the column {twice[0]} is there twice')}: keep one."
        )
    columns = []
    for index in (i for i in range(len(header)) if i not in others):
        if header[index]:
            columns.append(index)
        elif any(index < len(row) and row[index].strip() for _, row in rows):
            nameless = _problem(source, 1, f"column {index + 1} has no name")
            raise DataError(f"{nameless}: name it, or leave it out.")
    if not columns:
        raise DataError(f"{shown(source)} has no column beside its paths: name the values.")
    return columns


def _is_even(sheet: Sheet, line: int, row: list[str], width: int) -> bool:
    """True if a line has as many cells as the first; if not, they may be in wrong columns."""
    if len(row) >= width and not any(cell.strip() for cell in row[width:]):
        return True
    cells = f"it has {len(row)} cell{'s' * (len(row) != 1)}"
    sheet.complain(
        line,
        f"{cells}, but the first line names {width} columns: leave cells empty that are not known, "
        "and put those with commas in quotes",
    )
    return False


def _parts(sheet: Sheet, column: SplitColumn | None, cells: list[str]) -> list[str]:
    """The part of each line; what names none is noted."""
    if column is None or not any(cells):
        return [""] * len(cells)
    uneven = {problem.where for problem in sheet.problems}
    for line, cell in zip(sheet.numbers, cells, strict=True):
        if column.part(cell) is None and f"line {line}" not in uneven:
            sheet.complain(line, column.why_not(cell))
    return [column.part(cell) or "" for cell in cells]


def note_repeated(sheet: Sheet, paths: list[str]) -> None:
    """Note images that are listed twice.

    Args:
        sheet: The list.
        paths: The file that each line means.
    """
    seen: dict[str, int] = {}
    for line, path in zip(sheet.numbers, paths, strict=True):
        if path in seen:
            sheet.complain(line, f"the image {path} is on line {seen[path]} too: keep one line")
        seen.setdefault(path, line)


def _problem(source: Path, line: int, reason: str) -> Problem:
    return Problem(file=shown(source), where=f"line {line}", reason=reason)
