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
from fcmae.data.listing import PARTS, find_images
from fcmae.data.naming import shown
from fcmae.data.problem import Problem
from fcmae.data.values import ValueAnnotations, is_strange, why_mixed
from fcmae.data.values_sheet import Sheet, ValueKind, line_of, numbers_of, read_sheet, tags_of
from fcmae.errors import DataError
from fcmae.flags import option

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
        images=images.subset(kept),
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
    strange = is_strange(table)
    if kind == "labels":
        for row, column in np.argwhere(strange).tolist():
            sheet.complain(
                sheet.numbers[row],
                f"{sheet.names[column]} is {table[row, column]:g}, but a label is 0 or 1 (or "
                f"empty): numbers need {option('kind', 'numbers')}",
            )
    if kind is None and not sheet.tagged:
        _refuse_mix(sheet, table)
    return kind or ("numbers" if strange.any() else "labels")


def _refuse_mix(sheet: Sheet, table: NDArray[np.float32]) -> None:
    """Note that some columns hold only 0 and 1, as labels do, and others more than that."""
    if (mix := why_mixed(sheet.names, table)) is not None:
        row, reason = mix
        sheet.complain(sheet.numbers[row], reason)
