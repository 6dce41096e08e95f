"""Several labels or numbers for each image, from the columns of a .csv list.

One column names the images (``path``); each of the others is a label, with 0 or 1 in every line,
or a number. A single column ``labels`` may name the labels of an image, with semicolons between
them. An empty cell is unknown: nobody learns from it or is judged by it. A column ``split`` may
tell train from val.
"""

import csv
import hashlib
import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fcmae.data.annotations import Annotation, Annotations
from fcmae.data.image_list import ImageList
from fcmae.data.listing import PARTS, PATH_COLUMNS, find_images, hold_out
from fcmae.data.naming import shown
from fcmae.errors import DataError

ValueKind = Literal["labels", "numbers"]
LARGEST = float(np.finfo(np.float32).max)
TAGS = "labels"
SPLIT = "split"


@dataclass(frozen=True, kw_only=True, eq=False)
class Values(Annotations):
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

    def subset(self, indices: NDArray[np.int64]) -> "Values":
        """The rows of these images."""
        return replace(self, table=self.table[indices])

    def renumbered(self, table: NDArray[np.int64]) -> "Values":
        """Column ``k`` becomes column ``table[k]``; a column that nobody has is unknown."""
        wide = np.full((len(self.table), int(table.max()) + 1), np.nan, dtype=np.float32)
        wide[:, table] = self.table
        return replace(self, table=wide)

    def fingerprint(self) -> str:
        """Changes when any value does."""
        return hashlib.sha256(self.kind.encode() + self.table.astype("<f4").tobytes()).hexdigest()


def split_values(
    source: Path, val: Path | None, kind: ValueKind | None, *, share: float
) -> tuple[ImageList, ImageList]:
    """Images with values to train on and to validate on, with the same columns.

    Taken are: ``val`` where it is named; else what the column ``split`` says; else a share of the
    images is held out, chosen by the hash of each path.
    """
    images, parts = _read(source, kind)
    train = images if val is None else images.subset(_of_part(parts, "train", source))
    if val is not None:
        held_out, others = _read(val, values_of(images).kind)
        held_out = held_out.subset(_of_part(others, "val", val))
        return train, held_out.with_classes(images.classes or ())
    if any(parts):
        return tuple(images.subset(_of_part(parts, part, source)) for part in PARTS)  # type: ignore[return-value]
    return hold_out(images, share)


def evaluation_values(source: Path, kind: ValueKind, names: tuple[str, ...]) -> ImageList:
    """Images with a model's values: those to validate on, where a column ``split`` tells."""
    images, parts = _read(source, kind)
    return images.subset(_of_part(parts, "val", source)).with_classes(names)


def values_of(images: ImageList) -> Values:
    """The values of images that have some."""
    assert isinstance(images.annotations, Values)
    return images.annotations


def _of_part(parts: list[str], part: str, source: Path) -> NDArray[np.int64]:
    """The lines of a part; all where there is no column for it."""
    if not any(parts):
        return np.arange(len(parts))
    chosen = [i for i, name in enumerate(parts) if name.lower() in PARTS[part]]
    if not chosen:
        raise DataError(f"the column split of {shown(source)} has no line with {part}.")
    return np.array(chosen, dtype=np.int64)


def _read(source: Path, kind: ValueKind | None) -> tuple[ImageList, list[str]]:
    """The images of a list with their values, and what the column ``split`` says of each."""
    if source.suffix.lower() != ".csv" or source.is_dir():
        raise DataError(
            f"{shown(source)} is no .csv list, but several labels or numbers per image need one "
            "with a column path and a column for each."
        )
    images = find_images(source, labels=False)
    with source.open(newline="", encoding="utf-8-sig") as file:
        rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    header = [name.strip() for name in rows[0]]
    path = next(i for i, name in enumerate(header) if name.lower() in PATH_COLUMNS)
    split = next((i for i, name in enumerate(header) if name.lower() == SPLIT), None)
    columns = [i for i in range(len(header)) if i not in (path, split)]
    lines = [
        (number, row) for number, row in enumerate(rows[1:], start=2) if _cell(row, path).strip()
    ]
    if not columns:
        raise DataError(f"{shown(source)} has no column beside its paths: name the values.")
    if [header[i].lower() for i in columns] == [TAGS]:
        names, table = _from_tags([_cell(row, columns[0]) for _, row in lines], source)
    else:
        names = tuple(header[i] for i in columns)
        table = np.array(
            [
                [_number(_cell(row, i), header[i], line, source) for i in columns]
                for line, row in lines
            ],
            dtype=np.float32,
        )
    values = Values(table=table, kind=_checked_kind(table, kind, source))
    parts = ["" if split is None else _cell(row, split).strip() for _, row in lines]
    return replace(images, classes=names, annotations=values), parts


def _cell(row: list[str], column: int) -> str:
    return row[column] if column < len(row) else ""


def _number(text: str, name: str, line: int, source: Path) -> float:
    if not text.strip():
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value) or abs(value) > LARGEST:
        raise DataError(
            f"{shown(source)}, line {line}: {name} is {text.strip()!r}, but must be a number, or "
            "empty where it is not known."
        )
    return value


def _from_tags(cells: list[str], source: Path) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """A column for each name that appears, with 1 for the images that have it."""
    tags = [{tag.strip() for tag in cell.split(";") if tag.strip()} for cell in cells]
    names = tuple(sorted(set().union(*tags)))
    if not names:
        raise DataError(f"the column labels of {shown(source)} names no label.")
    return names, np.array([[name in has for name in names] for has in tags], dtype=np.float32)


def _checked_kind(table: NDArray[np.float32], kind: ValueKind | None, source: Path) -> ValueKind:
    known = table[np.isfinite(table)]
    if not len(known):
        raise DataError(f"{shown(source)} holds no value.")
    binary = bool(np.isin(known, (0, 1)).all())
    if kind == "labels" and not binary:
        strange = known[~np.isin(known, (0, 1))][0]
        raise DataError(
            f"{shown(source)} holds {strange:g}, but a label is 0 or 1 (or empty): numbers need "
            "--kind numbers."
        )
    return kind or ("labels" if binary else "numbers")
