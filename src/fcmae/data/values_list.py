"""Labels or numbers of images from the columns of a .csv list.

One column names the images (``path``); each of the others is a label, with 0 or 1 in every line,
or a number. A single column ``labels`` may name the labels of an image, with semicolons between
them. An empty cell is unknown: nobody learns from it or is judged by it. A column ``split`` may
tell train from val.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcmae.data.image_list import ImageList
from fcmae.data.list_classes import line_of
from fcmae.data.list_paths import images_at
from fcmae.data.list_rows import is_list
from fcmae.data.naming import shown
from fcmae.data.problem import Problem
from fcmae.data.values import (
    ValueAnnotations,
    is_strange,
    ways_out,
    why_mixed,
    why_uncertain,
    without,
)
from fcmae.data.values_cells import numbers_of, tags_of
from fcmae.data.values_sheet import Sheet, ValueKind, note_repeated, read_sheet
from fcmae.errors import DataError

UNFILLED = "is empty for all images to train on: fill it in, or leave it out"


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


def read_values(source: Path, kind: ValueKind | None, unknown: float | None = None) -> Listed:
    """The images of a list with their values, without stopping at a line that is wrong.

    Args:
        source: The list.
        kind: What its columns are; by default what they look like.
        unknown: A number that stands for a value that is not known.

    Raises:
        DataError: It is no list of values at all.
    """
    if not is_list(source):
        raise DataError(
            f"{shown(source)} is no .csv list, but several labels or numbers per image need one "
            "with a column path and a column for each."
        )
    sheet = read_sheet(source)
    images = images_at(source, sheet.paths)
    note_repeated(sheet, [images.name(i) for i in range(len(images))])
    names, table = tags_of(sheet) if sheet.tagged else (sheet.names, numbers_of(sheet))
    table = without(table, unknown)
    if not sheet.problems and not np.isfinite(table).any():
        raise DataError(f"{shown(source)} holds no value.")
    values = ValueAnnotations(table=table, kind=_kind_of(sheet, table, kind))
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
        images=images.share(kept),
        splits=[listed.splits[i] for i in kept.tolist()],
        lines=[listed.lines[i] for i in kept.tolist()],
        problems=tuple(sorted((*listed.problems, *missing), key=line_of)),
    )


def _unfilled(sheet: Sheet) -> tuple[Problem, ...]:
    """Columns from which no image to train on could teach anything, where others have values."""
    divided = any(sheet.splits)
    to_train = [
        cells
        for cells, part in zip(sheet.cells, sheet.splits, strict=True)
        if not divided or part == "train"
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
    strange = is_strange(table)
    if kind == "labels":
        for row, column in np.argwhere(strange).tolist():
            sheet.complain(
                sheet.numbers[row],
                f"{sheet.names[column]} is {table[row, column]:g}, but a label is 0 or 1 (or "
                f"empty): {ways_out(float(table[row, column]))}",
            )
    if kind is None and not sheet.tagged:
        for why in (why_uncertain, why_mixed):
            if (wrong := why(sheet.names, table)) is not None:
                row, reason = wrong
                sheet.complain(sheet.numbers[row], reason)
                break
    return kind or ("numbers" if strange.any() else "labels")
