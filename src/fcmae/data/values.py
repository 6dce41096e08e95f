"""Several labels or numbers for each image, from the columns of a .csv list.

One column names the images (``path``); each of the others is a label, with 0 or 1 in every line,
or a number. A single column ``labels`` may name the labels of an image, with semicolons between
them. An empty cell is unknown: nobody learns from it or is judged by it. A column ``split`` may
tell train from val.
"""

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcmae.data.annotations import Annotation, Annotations
from fcmae.data.image_list import ImageList
from fcmae.data.listing import PARTS, find_images, hold_out
from fcmae.data.naming import shown
from fcmae.data.problem import Problem
from fcmae.data.values_sheet import Sheet, ValueKind, line_of, numbers_of, read_sheet, tags_of
from fcmae.errors import DataError

NAMED = 5
"""Columns of a kind that a message names."""
UNFILLED = "is empty for all images to train on: fill it in, or leave it out"


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


@dataclass(frozen=True, kw_only=True)
class Listed:
    """Images with their values, and what is wrong with them.

    Attributes:
        images: The images; their ``annotations`` are ``Values``.
        splits: What the list says in the column split.
        lines: On which line of the list each is.
        problems: Lines that are wrong, in their order.
        unfilled: Columns that are empty for all images to train on.
    """

    images: ImageList
    splits: list[str]
    lines: list[int]
    problems: tuple[Problem, ...]
    unfilled: tuple[Problem, ...] = ()


def split_values(
    source: Path, val: Path | None, kind: ValueKind | None, *, share: float
) -> tuple[ImageList, ImageList]:
    """Images with values to train on and to validate on, with the same columns.

    Taken are: ``val`` where it is named; else what the column ``split`` says; else a share of the
    images is held out, chosen by the hash of each path.
    """
    images, parts = _read(source, kind)
    if val is not None:
        train = images.subset(_of_part(parts, "train", source))
        held_out, others = _read(val, values_of(images).kind)
        held_out = held_out.subset(_of_part(others, "val", val))
        held_out = _in_order_of(images.classes or (), held_out, val)
    elif any(parts):
        train, held_out = (images.subset(_of_part(parts, part, source)) for part in PARTS)
    else:
        train, held_out = hold_out(images, share, called=f"the list {shown(source)}")
    _check_columns(train, source)
    return train, held_out


def evaluation_values(source: Path, kind: ValueKind, names: tuple[str, ...]) -> ImageList:
    """Images with a model's values: those to validate on, where a column ``split`` tells."""
    images, parts = _read(source, kind)
    return _in_order_of(names, images.subset(_of_part(parts, "val", source)), source)


def values_of(images: ImageList) -> Values:
    """The values of images that have some."""
    assert isinstance(images.annotations, Values)
    return images.annotations


def read_values(source: Path, kind: ValueKind | None) -> Listed:
    """The images of a list with their values, without stopping at a line that is wrong.

    Raises:
        DataError: It is no list of values at all.
    """
    if source.suffix.lower() != ".csv" or source.is_dir():
        raise DataError(
            f"{shown(source)} is no .csv list, but several labels or numbers per image need one "
            "with a column path and a column for each."
        )
    images = find_images(source, labels=False)
    sheet = read_sheet(source)
    assert len(sheet.paths) == len(images)
    names, table = tags_of(sheet) if sheet.tagged else (sheet.names, numbers_of(sheet))
    if not sheet.problems and not np.isfinite(table).any():
        raise DataError(f"{shown(source)} holds no value.")
    values = Values(table=table, kind=_kind_of(sheet, table, kind))
    return Listed(
        images=replace(images, classes=names, annotations=values),
        splits=sheet.splits,
        lines=sheet.numbers,
        problems=sheet.in_order(),
        unfilled=_unfilled(sheet),
    )


def existing(listed: Listed, source: Path) -> Listed:
    """The images whose files are there; the others are noted, each with its line."""
    images = listed.images
    there = np.array([os.path.exists(images.path(i)) for i in range(len(images))], dtype=np.bool_)
    missing = (
        Problem(
            file=shown(source),
            where=f"line {listed.lines[i]}",
            reason=f"its image {shown(images.path(i))} does not exist",
        )
        for i in np.flatnonzero(~there).tolist()
    )
    kept = np.flatnonzero(there)
    return replace(
        listed,
        images=images.subset(kept),
        splits=[listed.splits[i] for i in kept.tolist()],
        lines=[listed.lines[i] for i in kept.tolist()],
        problems=tuple(sorted((*listed.problems, *missing), key=line_of)),
    )


def _read(source: Path, kind: ValueKind | None) -> tuple[ImageList, list[str]]:
    """The images of a list with their values, and what the column ``split`` says of each."""
    listed = read_values(source, kind)
    if listed.problems:
        first, others = listed.problems[0], len(listed.problems) - 1
        more = (
            f" `fcmae check {shown(source)} --task values` lists {others} more." if others else ""
        )
        raise DataError(f"{first}.{more}")
    return listed.images, listed.splits


def _of_part(parts: list[str], part: str, source: Path) -> NDArray[np.int64]:
    """The lines of a part; all where there is no column for it."""
    if not any(parts):
        return np.arange(len(parts))
    chosen = [i for i, name in enumerate(parts) if name.lower() in PARTS[part]]
    if not chosen:
        raise DataError(f"the column split of {shown(source)} has no line with {part}.")
    return np.array(chosen, dtype=np.int64)


def _in_order_of(names: tuple[str, ...], images: ImageList, source: Path) -> ImageList:
    """The same images, with the columns that a model has; refuse others."""
    unknown = [name for name in images.classes or () if name not in names]
    if unknown:
        what = "labels" if values_of(images).kind == "labels" else "columns"
        raise DataError(
            f"{shown(source)} has {what} that the model does not know: {_some(unknown)}. It knows "
            f"{len(names)}: {_some([*names])}."
        )
    return images.with_classes(names)


def _check_columns(images: ImageList, source: Path) -> None:
    """Refuse a column from which no image to train on could teach anything."""
    columns = zip(images.classes or (), values_of(images).table.T, strict=True)
    empty = [name for name, column in columns if np.isnan(column).all()]
    if empty:
        raise DataError(f"the column {empty[0]} of {shown(source)} {UNFILLED}.")


def _unfilled(sheet: Sheet) -> tuple[Problem, ...]:
    """Columns from which no image to train on could teach anything, where others have values."""
    divided = any(sheet.splits)
    to_train = [
        cells
        for cells, part in zip(sheet.cells, sheet.splits, strict=True)
        if not divided or part.lower() in PARTS["train"]
    ]
    empty = [name for i, name in enumerate(sheet.names) if not any(row[i] for row in to_train)]
    if len(empty) == len(sheet.names):
        return ()
    file = shown(sheet.source)
    return tuple(
        Problem(file=file, where="line 1", reason=f"the column {name} {UNFILLED}") for name in empty
    )


def _kind_of(sheet: Sheet, table: NDArray[np.float32], kind: ValueKind | None) -> ValueKind:
    """Kind of the columns; by default labels, if all that is known is 0 or 1."""
    strange = np.isfinite(table) & ~np.isin(table, (0, 1))
    if kind == "labels":
        for row, column in np.argwhere(strange).tolist():
            sheet.complain(
                sheet.numbers[row],
                f"{sheet.names[column]} is {table[row, column]:g}, but a label is 0 or 1 (or "
                "empty): numbers need --kind numbers",
            )
    if kind is None and not sheet.tagged:
        _refuse_mix(sheet, table, strange)
    return kind or ("numbers" if strange.any() else "labels")


def _refuse_mix(sheet: Sheet, table: NDArray[np.float32], strange: NDArray[np.bool_]) -> None:
    """Note that some columns hold only 0 and 1, as labels do, and others more than that."""
    labels, numbers = list[str](), list[str]()
    for name, column, more in zip(sheet.names, table.T, strange.T, strict=True):
        if np.isfinite(column).any():
            (numbers if more.any() else labels).append(name)
    if labels and numbers:
        row, place = np.argwhere(strange)[0].tolist()
        sheet.complain(
            sheet.numbers[row],
            f"the columns must be all labels or all numbers, but {_some(labels)} hold only 0 and "
            f"1, and {_some(numbers)} numbers ({sheet.names[place]} is {table[row, place]:g} "
            "here): learn all as numbers with --kind numbers, or give each kind a list of its own",
        )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
