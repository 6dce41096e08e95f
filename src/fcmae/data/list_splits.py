"""The part that each line of a list belongs to: train, val or test."""

from collections.abc import Sequence
from dataclasses import dataclass

from fcmae.data.list_names import (
    IS_VALID_COLUMNS,
    ONE_SIDED_COLUMNS,
    PART_OF,
    SPLIT_COLUMNS,
    TRUTH,
    plain,
)
from fcmae.data.list_rows import Rows
from fcmae.data.naming import shown
from fcmae.errors import DataError

WAY_OUT = (
    "tell train, val and test apart in a column split, or leave this one out (then a share is held "
    "out)"
)


@dataclass(frozen=True, kw_only=True)
class SplitColumn:
    """The column of a list that tells its parts.

    Attributes:
        place: Place among the columns.
        name: Its name.
        told: Whether its cells are true for what to validate on, and false for all else.
    """

    place: int
    name: str
    told: bool = False

    def part(self, cell: str) -> str | None:
        """The part that a cell names: train, val or test; None if it names none."""
        if self.told:
            says = TRUTH.get(cell.strip().lower())
            return None if says is None else "val" if says else "train"
        return PART_OF.get(cell.strip().lower())

    def why_not(self, cell: str) -> str:
        """The reason why a cell names no part."""
        rule = "true or false" if self.told else "train, val or test"
        return f"{self.name} is {cell!r}, but must be {rule}"


def split_column(rows: Rows) -> SplitColumn | None:
    """Finds the column that tells the parts; None where there is none.

    Raises:
        DataError: There are two, or one that tells something else than these parts.
    """
    found = [
        column
        for place, name in enumerate(rows.header)
        if (column := _as_split(rows, place, name)) is not None
    ]
    if len(found) > 1:
        raise DataError(
            f"{shown(rows.source)} tells train from val in the columns {found[0].name} and "
            f"{found[1].name}: keep one of them."
        )
    return found[0] if found else None


def _as_split(rows: Rows, place: int, name: str) -> SplitColumn | None:
    word = plain(name)
    column = SplitColumn(place=place, name=name)
    if word == "split":
        return column
    cells = {row[place].strip().lower() for _, row in rows.rows if place < len(row)} - {""}
    if not cells:
        return None
    if word in IS_VALID_COLUMNS and cells <= {*TRUTH}:
        return SplitColumn(place=place, name=name, told=True)
    if word in ONE_SIDED_COLUMNS and cells <= {*TRUTH}:
        raise _refusal(rows, name, "which does not tell what to validate on from what to test on")
    if word not in SPLIT_COLUMNS:
        return None
    if any(cell in PART_OF for cell in cells):
        return column
    if all(cell.isdecimal() for cell in cells):
        few = ", ".join(sorted(cells, key=int)[:5])
        raise _refusal(rows, name, f"which holds the numbers {few} and not train, val and test")
    return None


def _refusal(rows: Rows, name: str, reason: str) -> DataError:
    return DataError(f"{shown(rows.source)} has a column {name}, {reason}: {WAY_OUT}.")


def parts_of_cells(column: SplitColumn | None, cells: Sequence[str]) -> list[str]:
    """The part of each line; empty where there is no column or it names none."""
    return ["" if column is None else column.part(cell) or "" for cell in cells]
