"""The cells of a .csv list of values, and what is wrong with them, line by line.

Lines are kept exactly where ``find_images`` keeps them, so that rows and images go together.
"""

import csv
import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fcmae.data.listing import ALL_PARTS
from fcmae.data.naming import shown
from fcmae.data.problem import Problem
from fcmae.data.text_list import LABEL_COLUMNS, PATH_COLUMNS
from fcmae.errors import DataError

ValueKind = Literal["labels", "numbers"]
LARGEST = float(np.finfo(np.float32).max)
TAGS = "labels"
SPLIT = "split"
SPLITS = tuple(name for names in ALL_PARTS.values() for name in names)
FIRST = 100
"""Lines by which a list of values is known."""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The lines of a list that name an image.

    Attributes:
        source: The file.
        names: Names of the columns of values.
        numbers: On which line of the file each of these lines ends.
        paths: What each names.
        cells: Its values, as they are written; as many as there are names.
        splits: What it says in the column split.
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


def line_of(problem: Problem) -> int:
    """The line of a list on which something is wrong."""
    return int(problem.where.removeprefix("line "))


def read_sheet(source: Path) -> Sheet:
    """Take a list apart, noting lines that are not like the first one."""
    rows = _rows(source)
    header = [name.strip() for name in rows[0][1]] if rows else []
    lower = [name.lower() for name in header]
    path = next((lower.index(name) for name in PATH_COLUMNS if name in lower), None)
    if path is None:
        raise DataError(
            f"the first line of {shown(source)} must name its columns path and one for each label "
            f"or number, but it is {','.join(header)!r}."
        )
    split = lower.index(SPLIT) if SPLIT in lower else None
    columns = _columns(source, header, rows[1:], {path, split})
    sheet = Sheet(
        source=source, names=tuple(header[i] for i in columns), numbers=[], paths=[], cells=[],
        splits=[], problems=[],
    )  # fmt: skip
    for number, row in rows[1:]:
        even = _is_even(sheet, number, row, len(header))
        wide = [cell.strip() for cell in row] + [""] * len(header)
        if not wide[path]:
            sheet.complain(number, "it names no image")
            continue
        sheet.numbers.append(number)
        sheet.paths.append(Path(wide[path]).as_posix())
        sheet.cells.append([wide[i] if even else "" for i in columns])
        sheet.splits.append(wide[split] if even and split is not None else "")
    _check_lines(sheet)
    return sheet


def looks_like_values(source: Path) -> bool:
    """True if a file is a list with values beside its paths: labels, or numbers in every column.

    Columns that are empty throughout tell nothing.
    """
    if source.suffix.lower() != ".csv" or not source.is_file():
        return False
    rows = _rows(source)
    header = [name.strip().lower() for name in rows[0][1]] if rows else []
    names = {name for name in header if name} - {*PATH_COLUMNS, SPLIT}
    if TAGS in names or not names or names & {*LABEL_COLUMNS}:
        return TAGS in names
    columns = {
        name: [row[header.index(name)].strip() for _, row in rows[1:] if len(row) == len(header)]
        for name in names
    }
    filled = [cells[: FIRST - 1] for cells in columns.values() if any(cells)]
    return bool(filled) and all(any(number_in(x) is not None for x in cells) for cells in filled)


def number_in(text: str) -> float | None:
    """The number that a cell holds, or None if it holds none that training could use."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) <= LARGEST else None


def numbers_of(sheet: Sheet) -> NDArray[np.float32]:
    """The cells as numbers, NaN where they are empty; what is no number is noted, and NaN too."""
    table = np.full((len(sheet.cells), len(sheet.names)), np.nan, dtype=np.float32)
    for row, (line, cells) in enumerate(zip(sheet.numbers, sheet.cells, strict=True)):
        for column, (name, cell) in enumerate(zip(sheet.names, cells, strict=True)):
            value = number_in(cell)
            if value is not None:
                table[row, column] = value
            elif cell:
                sheet.complain(line, _why_no_number(name, cell))
    return table


def tags_of(sheet: Sheet) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """A column for each name that appears, with 1 for the images that have it."""
    tags = [{tag.strip() for tag in cell.split(";") if tag.strip()} for [cell] in sheet.cells]
    names = tuple(sorted(set().union(*tags)))
    if not names:
        raise DataError(f"the column labels of {shown(sheet.source)} names no label.")
    return names, np.array([[name in has for name in names] for has in tags], dtype=np.float32)


def _rows(source: Path) -> list[tuple[int, list[str]]]:
    """The lines that are not blank, each with the number that an editor shows."""
    try:
        with source.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{shown(source)} cannot be read as UTF-8 text: {error}.") from error


def _columns(
    source: Path, header: list[str], rows: list[tuple[int, list[str]]], others: set[int | None]
) -> list[int]:
    """Columns that hold values: all others that have a name, or something in them."""
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


def _check_lines(sheet: Sheet) -> None:
    """Note images that are listed twice, and parts that there are not."""
    seen: dict[str, int] = {}
    divided = any(sheet.splits)
    uneven = {problem.where for problem in sheet.problems}
    for line, path, part in zip(sheet.numbers, sheet.paths, sheet.splits, strict=True):
        if path in seen:
            reason = f"the image {shown(path)} is on line {seen[path]} too: keep one line"
            sheet.complain(line, reason)
        seen.setdefault(path, line)
        if divided and part.lower() not in SPLITS and f"line {line}" not in uneven:
            sheet.complain(line, f"split is {part!r}, but must be train, val or test")


def _why_no_number(name: str, cell: str) -> str:
    if _is_too_large(cell):
        return (
            f"{name} is {cell}, which is too large: a number must be between {-LARGEST:.2g} and "
            f"{LARGEST:.2g}, so give it in another unit, or leave the cell empty"
        )
    rule = "must be a number (0 or 1 for a label), or empty where it is not known"
    reason = f"{name} is {cell!r}, but {rule}"
    if name.lower() == TAGS:
        return f"{reason} (a column {TAGS} may name labels where it is the only one)"
    return reason


def _is_too_large(cell: str) -> bool:
    """True if a cell holds a number, but one that training could not use."""
    try:
        return abs(float(cell)) > LARGEST and any(letter.isdecimal() for letter in cell)
    except ValueError:
        return False


def _problem(source: Path, line: int, reason: str) -> Problem:
    return Problem(file=shown(source), where=f"line {line}", reason=reason)
