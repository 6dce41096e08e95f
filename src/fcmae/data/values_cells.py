"""What single cells of a list of values hold: numbers, names of labels, or nothing known."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcmae.data.list_names import (
    LABEL_COLUMNS,
    OTHER_LABEL_COLUMNS,
    PATH_COLUMNS,
    path_column,
    plain,
)
from fcmae.data.list_rows import FIRST, is_list
from fcmae.data.list_splits import split_column
from fcmae.data.naming import shown
from fcmae.data.text_list import rows_of
from fcmae.data.values_sheet import TAGS, Sheet, known
from fcmae.errors import DataError

LARGEST = float(np.finfo(np.float32).max)


def looks_like_values(source: Path) -> bool:
    """True if a file is a list with values beside its paths: labels, or numbers in every column.

    Columns that are empty throughout tell nothing.
    """
    if not is_list(source) or not source.is_file():
        return False
    listed = rows_of(source)
    header = [name.lower() for name in listed.header]
    path, split = path_column(header), split_column(listed)
    if path is None:
        return False
    others = {header[path], *PATH_COLUMNS, "" if split is None else header[split.place]}
    names = {name for name in header if name} - others
    classes = {*LABEL_COLUMNS, *OTHER_LABEL_COLUMNS}
    if TAGS in names or not names or classes & {plain(name) for name in names}:
        return TAGS in names
    columns = {
        name: [
            known(row[header.index(name)].strip()).replace(",", ".")
            for _, row in listed.rows
            if len(row) == len(header)
        ]
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
    for column, name in enumerate(sheet.names):
        texts = list[tuple[int, str]]()
        for row, cells in enumerate(sheet.cells):
            value = number_in(cells[column])
            if value is not None:
                table[row, column] = value
            elif cells[column]:
                texts.append((sheet.numbers[row], cells[column]))
        _complain(sheet, name, texts, has_numbers=bool(np.isfinite(table[:, column]).any()))
    return table


def _complain(sheet: Sheet, name: str, texts: list[tuple[int, str]], *, has_numbers: bool) -> None:
    """Note the cells of a column that are no numbers; once, where it holds no number at all."""
    if len(texts) > 1 and not has_numbers:
        line, cell = texts[0]
        sheet.complain(
            line, f"{_why_no_number(name, cell)}, as all of this column are: leave the column out"
        )
        return
    for line, cell in texts:
        sheet.complain(line, _why_no_number(name, cell))


def tags_of(sheet: Sheet) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """A column for each name that appears, with 1 for the images that have it.

    Names are separated by semicolons, or by | where there is no semicolon.

    Raises:
        DataError: No label is named, or commas seem to separate them.
    """
    texts = [cell for [cell] in sheet.cells]
    separator = next((one for one in ";|" if any(one in text for text in texts)), ";")
    if not any(separator in text for text in texts) and any("," in text for text in texts):
        first = next(text for text in texts if "," in text)
        raise DataError(
            f"the column labels of {shown(sheet.source)} has commas ({first}): write semicolons "
            "between labels, as in a;b. A name may hold a comma where one stands behind it (a, b;)."
        )
    tags = [{tag.strip() for tag in text.split(separator) if tag.strip()} for text in texts]
    names = tuple(sorted(set().union(*tags)))
    if not names:
        raise DataError(f"the column labels of {shown(sheet.source)} names no label.")
    return names, np.array([[name in has for name in names] for has in tags], dtype=np.float32)


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
