"""The class of each line of a list: which column tells it, and what is wrong with its cells."""

from collections.abc import Sequence
from dataclasses import dataclass

from fcmae.data.list_names import UNKNOWN_WORDS, label_columns, path_column
from fcmae.data.list_rows import Row, Rows
from fcmae.data.list_splits import split_column
from fcmae.data.naming import shown
from fcmae.data.problem import Problem
from fcmae.errors import DataError

UNKNOWN_CLASSES = UNKNOWN_WORDS - {"none"}
"""What stands for no class; "none" may well be one."""


@dataclass(frozen=True, kw_only=True)
class Classed:
    """Classes of the lines of a list.

    Attributes:
        names: Class of each line; empty where there is none.
        problems: Lines that are wrong.
    """

    names: list[str]
    problems: tuple[Problem, ...] = ()


def line_of(problem: Problem) -> int:
    """The line of a list on which something is wrong."""
    return int(problem.where.removeprefix("line "))


def classes_of(rows: Rows, lines: list[Row], *, needed: bool) -> Classed:
    """The class of each line, by a column of names, or by one column for each class.

    Args:
        rows: The whole list.
        lines: Number and cells of the lines that name an image.
        needed: Whether it is an error that no column tells classes.

    Raises:
        DataError: Several columns could tell the class.
    """
    columns = label_columns(rows.header)
    if len(columns) > 1:
        first, second = (rows.header[i] for i in columns[:2])
        raise DataError(
            f"{shown(rows.source)} has the columns {first} and {second}: call the one that names "
            "the class of each image label."
        )
    if columns:
        return _by_name(rows, lines, columns[0])
    told = _by_columns(rows, lines) if needed else None
    return told or Classed(names=[""] * len(lines))


def _by_name(rows: Rows, lines: list[Row], place: int) -> Classed:
    file, column, names = shown(rows.source), rows.header[place], list[str]()
    problems = []
    for number, cells in lines:
        name = "" if cells[place].lower() in UNKNOWN_CLASSES else cells[place]
        names.append(name)
        if cells[place] and not name:
            reason = (
                f"{column} is {cells[place]!r}, which stands for no label: leave the line out, or "
                "give the class another name"
            )
            problems.append(Problem(file=file, where=f"line {number}", reason=reason))
    names = _whole(names)
    fractions = next((name for name in names if _is_fraction(name)), None)
    if fractions is not None:
        raise DataError(
            f"{file}: {column} holds numbers such as {fractions}, which are no classes: learn "
            "them with fcmae finetune values, or write words."
        )
    several = next((name for name in names if ";" in name or "|" in name), None)
    if column.lower() == "labels" and several is not None:
        raise DataError(
            f"{file}: the column labels names several labels for an image ({several}): learn them "
            "with fcmae finetune values."
        )
    return Classed(names=names, problems=tuple(problems))


def _by_columns(rows: Rows, lines: list[Row]) -> Classed | None:
    """The class of each line where each class has a column of 0 and 1, with one 1 in a line."""
    split = split_column(rows)
    others = {path_column(rows.header), None if split is None else split.place}
    places = [i for i, name in enumerate(rows.header) if i not in others and name]
    marks = [[_mark(cells[i]) for i in places] for _, cells in lines]
    if len(places) < 2 or any(mark is None for row in marks for mark in row):
        return None
    names, problems = list[str](), list[Problem]()
    for (number, _), row in zip(lines, marks, strict=True):
        names.append(rows.header[places[row.index(1)]] if row.count(1) == 1 else "")
        if row.count(1) != 1:
            reason = (
                f"{row.count(1)} of its columns are 1, but a class needs one: learn several "
                "labels with fcmae finetune values"
            )
            problems.append(Problem(file=shown(rows.source), where=f"line {number}", reason=reason))
    return Classed(names=names, problems=tuple(problems))


def _mark(cell: str) -> int | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return int(value) if value in (0, 1) else None


def _whole(names: list[str]) -> list[str]:
    """Numbers such as 3.0 as 3, which is how programs write a column of numbers with gaps."""
    stems = [name.partition(".") for name in names]
    if all(stem.isdecimal() and set(rest) <= {"0"} for stem, _, rest in stems):
        return [stem for stem, _, _ in stems]
    return names


def _is_fraction(name: str) -> bool:
    try:
        return float(name) % 1 != 0 and any(letter.isdecimal() for letter in name)
    except ValueError:
        return False


def notes_on(classes: Sequence[str]) -> tuple[str, ...]:
    """A sentence where names of classes differ in case, spaces or the way of writing a number."""
    alike = dict[str, str]()
    for name in classes:
        key = _alike(name)
        if key in alike:
            return (
                f"The classes {alike[key]!r} and {name!r} differ only in case, spaces or the way "
                "of writing a number, but are learnt as two.",
            )
        alike[key] = name
    return ()


def _alike(name: str) -> str:
    words = " ".join(name.replace("_", " ").replace("-", " ").split()).casefold()
    try:
        return f"{float(words):g}"
    except ValueError:
        return words
