"""Several labels or numbers for each image, as a table."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fcmae.data.annotations import Annotation, Annotations
from fcmae.data.image_list import ImageList
from fcmae.data.values_sheet import ValueKind
from fcmae.flags import option

NAMED = 5
"""Columns of a kind that a message names."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ValueAnnotations(Annotations):
    """A row of numbers for each image.

    Attributes:
        table: Images x columns; NaN where unknown. Labels are 0 or 1.
        kind: Whether they are labels or numbers.
    """

    table: NDArray[np.float32]
    kind: ValueKind

    def read(self, index: int, size: tuple[int, int]) -> Annotation:
        """``values``: the image's row."""
        return {"values": self.table[index].copy()}

    def subset(self, indices: NDArray[np.int64]) -> "ValueAnnotations":
        """The rows of these images."""
        return replace(self, table=self.table[indices])

    def renumbered(self, table: NDArray[np.int64]) -> "ValueAnnotations":
        """Column ``k`` becomes column ``table[k]``; a column that nobody has is unknown."""
        wide = np.full((len(self.table), int(table.max()) + 1), np.nan, dtype=np.float32)
        wide[:, table] = self.table
        return replace(self, table=wide)

    def fingerprint(self) -> str:
        """Changes when any value does."""
        return hashlib.sha256(self.kind.encode() + self.table.astype("<f4").tobytes()).hexdigest()


def values_of(images: ImageList) -> ValueAnnotations:
    """The values of images that have some."""
    assert isinstance(images.annotations, ValueAnnotations)
    return images.annotations


def why_mixed(names: Sequence[str], table: NDArray[np.float32]) -> tuple[int, str] | None:
    """A row by which some columns are numbers while others hold only 0 and 1, and the reason."""
    strange = is_strange(table)
    labels, numbers = list[str](), list[str]()
    for name, column, more in zip(names, table.T, strange.T, strict=True):
        if np.isfinite(column).any():
            (numbers if more.any() else labels).append(name)
    if not labels or not numbers:
        return None
    row, place = np.argwhere(strange)[0].tolist()
    return row, (
        f"the columns must be all labels or all numbers, but {some_of(labels)} hold only 0 and "
        f"1, and {some_of(numbers)} numbers ({names[place]} is {table[row, place]:g} "
        f"here): learn all as numbers with {option('kind', 'numbers')}, or give each kind a list "
        "of its own"
    )


def why_uncertain(names: Sequence[str], table: NDArray[np.float32]) -> tuple[int, str] | None:
    """A row with -1 in columns of only -1, 0 and 1, and why nobody knows what it means."""
    few = [
        np.isin(known := column[np.isfinite(column)], (-1, 0, 1)).all() and (known == -1).any()
        for column in table.T
    ]
    if not any(few):
        return None
    columns: list[int] = np.flatnonzero(few).tolist()
    row, place = np.argwhere(table[:, columns] == -1)[0].tolist()
    return row, (
        f"{names[columns[place]]} is -1, and {some_of([names[i] for i in columns])} hold only -1, "
        f"0 and 1, which may be labels or numbers: say {option('unknown', '-1')} where -1 means "
        f"not known, or {option('kind', 'numbers')} where it is a number"
    )


def ways_out(value: float) -> str:
    """What to do about a value that is no label."""
    if value == -1:
        return f"{option('unknown', '-1')} takes it as not known"
    return f"numbers need {option('kind', 'numbers')}"


def without(table: NDArray[np.float32], unknown: float | None) -> NDArray[np.float32]:
    """The table with NaN in place of a number that stands for unknown."""
    return table if unknown is None else np.where(table == np.float32(unknown), np.nan, table)


def is_strange(table: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Marks values that are known, and are neither 0 nor 1 as labels are."""
    return np.isfinite(table) & ~np.isin(table, (0, 1))


def some_of(names: list[str]) -> str:
    """The first few of several names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
