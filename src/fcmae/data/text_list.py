"""Lists of images: one path per line in .txt, columns path and label in .csv."""

import csv
import os
from dataclasses import replace
from pathlib import Path

import numpy as np

from fcmae.data.image_list import ImageList
from fcmae.data.naming import shown
from fcmae.errors import DataError

PATH_COLUMNS = ("path", "file", "filename", "image")
LABEL_COLUMNS = ("label", "class", "category")
LISTS = (".txt", ".csv")


def read_list(source: Path, labels: bool | None) -> ImageList:
    """The images that a list names, with their labels if every one has one.

    Args:
        source: The file.
        labels: Whether every image must have one. None takes labels where all images have one.

    Raises:
        DataError: The file cannot be read, or names no images that exist.
    """
    read = _read_csv if source.suffix.lower() == ".csv" else _read_txt
    try:
        paths, names = read(source)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{shown(source)} cannot be read as UTF-8 text: {error}.") from error
    if not paths:
        raise DataError(f"the list {shown(source)} names no images.")
    images = ImageList.of(source.parent, [os.fsencode(Path(path).as_posix()) for path in paths])
    if not any(images.path(i).exists() for i in range(min(100, len(images)))):
        raise DataError(
            f"the files of the list {shown(source)} do not exist (the first is "
            f"{shown(images.path(0))}). Its paths are taken relative to {shown(source.parent)}."
        )
    if labels is False or (labels is None and not any(names)):
        return images
    if "" in names:
        raise DataError(
            f"{names.count('')} of {len(names)} lines of {shown(source)} have no label (such as "
            f"{paths[names.index('')]}), but labels need a .csv with columns path,label."
        )
    classes = sorted(set(names), key=lambda name: (int(name) if name.isdecimal() else -1, name))
    place = {name: index for index, name in enumerate(classes)}
    of_image = np.array([place[name] for name in names], dtype=np.int64)
    return replace(images, labels=of_image, classes=tuple(classes))


def _read_txt(source: Path) -> tuple[list[str], list[str]]:
    lines = source.read_text(encoding="utf-8-sig").splitlines()
    paths = [line.strip() for line in lines if line.strip()]
    return paths, [""] * len(paths)


def _read_csv(source: Path) -> tuple[list[str], list[str]]:
    with source.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        header = [name.strip().lower() for name in rows.fieldnames or ()]
        rows.fieldnames = header
        path = next((name for name in PATH_COLUMNS if name in header), None)
        label = next((name for name in LABEL_COLUMNS if name in header), None)
        if path is None:
            raise DataError(
                f"the first line of {shown(source)} must name its columns path and, with labels, "
                f"label, but it is {','.join(header)!r}."
            )
        kept = [row for row in rows if (row[path] or "").strip()]
    names = [(row[label] or "").strip() if label else "" for row in kept]
    return [row[path].strip() for row in kept], names
