"""Lists of images with a class each: .csv, .tsv and .txt."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from fcmae.data.image_list import ImageList
from fcmae.data.list_classes import classes_of, line_of, notes_on
from fcmae.data.list_names import SPLITS, path_column
from fcmae.data.list_paths import images_at
from fcmae.data.list_rows import LISTS, Rows, is_list, read_lines, read_rows
from fcmae.data.list_splits import SplitColumn, split_column
from fcmae.data.naming import shown
from fcmae.data.problem import Problem
from fcmae.errors import DataError

__all__ = ["LISTS", "ListedClasses", "is_list", "read_classes_of", "read_list", "rows_of"]


@dataclass(frozen=True, kw_only=True)
class ListedClasses:
    """The images of a list with the class and the part of each, and what is wrong with them.

    Attributes:
        source: The list.
        images: The images, without labels.
        names: Class of each; empty where there is none.
        parts: Part of each: train, val, test; all empty where nothing is divided.
        problems: Lines that are wrong, in their order.
    """

    source: Path
    images: ImageList
    names: list[str]
    parts: list[str]
    problems: tuple[Problem, ...]

    @property
    def divided(self) -> bool:
        """True if the list tells its parts."""
        return any(self.parts)

    def part(self, name: str) -> ImageList | None:
        """The images of a part, with classes where all have one; None if there is none.

        A list that is not divided is whole in every part.
        """
        lines = [i for i, part in enumerate(self.parts) if part == name or not self.divided]
        return self._labelled(lines) if lines else None

    def needed(self, name: str) -> ImageList:
        """The images of a part.

        Raises:
            DataError: There is none.
        """
        images = self.part(name)
        if images is None:
            raise DataError(f"the column split of {shown(self.source)} has no line with {name}.")
        return images

    def checked(self) -> "ListedClasses":
        """The same, if nothing is wrong with it.

        Raises:
            DataError: A line is wrong.
        """
        if self.problems:
            first, others = self.problems[0], len(self.problems) - 1
            check = f"`fcmae check {shown(self.source)} --task classify` lists"
            raise DataError(f"{first}.{f' {check} {others} more.' if others else ''}")
        return self

    def _labelled(self, lines: list[int]) -> ImageList:
        images = self.images.share(np.array(lines, dtype=np.int64))
        names = [self.names[i] for i in lines]
        if not all(names):
            return images
        classes = sorted(set(names), key=lambda name: (_number(name), name))
        place = {name: index for index, name in enumerate(classes)}
        of_image = np.array([place[name] for name in names], dtype=np.int64)
        notes = (*images.notes, *notes_on(classes))
        return replace(images, labels=of_image, classes=tuple(classes), notes=notes)


def read_list(source: Path, labels: bool | None) -> ImageList:
    """The images that a list names, of all its parts, with their labels if every one has one.

    Args:
        source: The file.
        labels: Whether every image must have one. None takes labels where all images have one.

    Raises:
        DataError: The file cannot be read, names no images that exist, or has labels that are
            wrong.
    """
    if labels is False:
        rows = rows_of(source)
        return images_at(source, [path for _, path, _ in _lines(rows)])
    listed = read_classes_of(source, labels).checked()
    images = replace(listed, parts=[""] * len(listed.parts)).needed("all")
    if labels and images.labels is None:
        raise _without_label(source, listed.names, listed.images)
    return images


def read_classes_of(source: Path, labels: bool | None = True) -> ListedClasses:
    """The images of a list with their classes, without stopping at a line that is wrong.

    Args:
        source: The file.
        labels: Whether every image must have one. None takes labels where all images have one.

    Raises:
        DataError: It is no list of classes at all.
    """
    rows = rows_of(source)
    lines = _lines(rows)
    images = images_at(source, [path for _, path, _ in lines])
    classed = classes_of(rows, [(line, cells) for line, _, cells in lines], needed=labels is True)
    if labels is None and not any(classed.names):
        return ListedClasses(
            source=source, images=images, names=classed.names, parts=[""] * len(lines), problems=()
        )
    parts, wrong = _parts(rows, split_column(rows), lines)
    problems = [*classed.problems, *wrong]
    to_learn = [name for name, part in zip(classed.names, parts, strict=True) if part != "test"]
    if "" in to_learn and not classed.problems:
        raise _without_label(source, classed.names, images)
    problems += _twice(source, lines, images, classed.names)
    return ListedClasses(
        source=source,
        images=images,
        names=classed.names,
        parts=parts,
        problems=tuple(sorted(problems, key=line_of)),
    )


def _without_label(source: Path, names: list[str], images: ImageList) -> DataError:
    return DataError(
        f"{names.count('')} of {len(names)} lines of {shown(source)} have no label (such as "
        f"{images.name(names.index(''))}), but labels need a list with columns path,label."
    )


def rows_of(source: Path) -> Rows:
    """The lines of a list of any ending."""
    return read_lines(source) if source.suffix.lower() == ".txt" else read_rows(source)


def _lines(rows: Rows) -> list[tuple[int, str, list[str]]]:
    """Number, path and cells of the lines that name an image.

    Raises:
        DataError: No column holds the paths.
    """
    place = path_column(rows.header)
    if place is None:
        raise DataError(
            f"the first line of {shown(rows.source)} must name its columns path and, with labels, "
            f"label, but it is {','.join(rows.header).lower()!r}."
        )
    lines = []
    for number, row in rows.rows:
        cells = [cell.strip() for cell in row] + [""] * (len(rows.header) - len(row))
        if cells[place]:
            lines.append((number, cells[place], cells))
    return lines


def _parts(
    rows: Rows, column: SplitColumn | None, lines: list[tuple[int, str, list[str]]]
) -> tuple[list[str], list[Problem]]:
    """The part of each line, and the lines that name none."""
    if column is None or not any(cells[column.place] for _, _, cells in lines):
        return [""] * len(lines), []
    told = [column.part(cells[column.place]) for _, _, cells in lines]
    file = shown(rows.source)
    problems = [
        Problem(file=file, where=f"line {number}", reason=column.why_not(cells[column.place]))
        for (number, _, cells), part in zip(lines, told, strict=True)
        if part is None
    ]
    assert {*told} <= {*SPLITS, None}
    return [part or "" for part in told], problems


def _twice(
    source: Path, lines: list[tuple[int, str, list[str]]], images: ImageList, names: list[str]
) -> list[Problem]:
    """Lines whose image is on an earlier line too."""
    seen, problems = dict[bytes, int](), list[Problem]()
    keys = [images.store.key(i) for i in range(len(images))]
    if max(Counter(keys).values()) == 1:
        return []
    for i, key in enumerate(keys):
        if (first := seen.setdefault(key, i)) == i:
            continue
        reason = f"the image {images.name(i)} is on line {lines[first][0]} too"
        if names[i] != names[first]:
            reason += f", as {names[first]} and not {names[i]}"
        where = f"line {lines[i][0]}"
        problems.append(Problem(file=shown(source), where=where, reason=f"{reason}: keep one line"))
    return problems


def _number(name: str) -> int:
    return int(name) if name.isdecimal() else -1
