"""Files of a data set of YOLO: images, the text file of each, names of the classes."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcmae.data.folders import walk
from fcmae.data.naming import shown
from fcmae.data.objects.places import find_place
from fcmae.errors import DataError

NAMES = ("classes.txt", "obj.names", "_darknet.labels")
"""Files of names of classes, which are no labels of an image."""


@dataclass(frozen=True, kw_only=True)
class YoloImages:
    """Images of one folder or list.

    Attributes:
        called: The folder of the text files, or the list.
        root: The folder that the names are relative to.
        names: Path of each image.
        texts: Text file of each, whether there is one or not.
        wheres: Words that name each image in messages.
        unused: Text files without an image.
        note: What was left out of the paths of a list, if anything.
        set_aside: (path, reason) of files that were found, but are not read.
    """

    called: Path
    root: Path
    names: list[bytes]
    texts: list[Path]
    wheres: list[str]
    unused: tuple[Path, ...] = ()
    note: str | None = None
    set_aside: tuple[tuple[str, str], ...] = ()


def images_in(place: Path, texts: Path | None = None) -> YoloImages:
    """The images of a folder or of a .txt that lists them.

    The file of ``images/a/b.jpg`` is ``labels/a/b.txt``, or ``b.txt`` beside it.

    Args:
        place: The folder or list.
        texts: The folder of the text files of a folder, where it is not the usual one.

    Raises:
        DataError: There are no images, or no text file of any.
    """
    return _in_list(place) if place.is_file() else _in_folder(place, texts)


def _in_folder(folder: Path, texts: Path | None) -> YoloImages:
    walked = walk(folder)
    names = walked.files
    if not names:
        aside = f" Left out: {': '.join(walked.set_aside[0])}." if walked.set_aside else ""
        raise DataError(f"there are no images in {shown(folder)}.{aside}")
    labels = labels_folder(folder) if texts is None else texts
    files = [(labels / os.fsdecode(name)).with_suffix(".txt") for name in names]
    there = {file for file in labels.rglob("*.txt") if file.name not in NAMES}
    if not there.intersection(files):
        raise DataError(
            f"the images of {shown(folder)} have no labels: {shown(labels)} holds no text file "
            "with the name of one of them."
        )
    unused = tuple(sorted(there.difference(files)))
    wheres = ["its name"] * len(names)
    return YoloImages(
        called=labels,
        root=folder,
        names=names,
        texts=files,
        wheres=wheres,
        unused=unused,
        set_aside=tuple(walked.set_aside),
    )


def _in_list(source: Path) -> YoloImages:
    root, names, note = listed(source)
    files = texts_of(root, names)
    if not any(file.is_file() for file in files):
        raise DataError(
            f"the images of {shown(source)} have no labels: there is no {shown(files[0])}, and no "
            "text file of another one."
        )
    wheres = [f"image {number} of {shown(source)}" for number in range(1, len(names) + 1)]
    found = [name.encode("utf-8", "surrogateescape") for name in names]
    return YoloImages(called=source, root=root, names=found, texts=files, wheres=wheres, note=note)


def listed(source: Path) -> tuple[Path, list[str], str | None]:
    """The images that a text file lists: their folder, paths in it, and what these leave out.

    Raises:
        DataError: The file cannot be read, or names no images that exist.
    """
    try:
        lines = source.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{shown(source)} cannot be read as UTF-8 text: {error}.") from error
    paths = [line.strip() for line in lines if line.strip()]
    if not paths:
        raise DataError(f"the list {shown(source)} names no images.")
    folders = [source.parent, source.parent.parent]
    place = find_place(paths, folders, called=shown(source))
    return place.folder, [place.name(path) for path in paths], place.note


def texts_of(root: Path, names: Sequence[str]) -> list[Path]:
    """The text file of each image of a list, whether there is one or not."""
    paths = [root / name for name in names]
    labels = {folder: labels_folder(folder) for folder in {path.parent for path in paths}}
    return [(labels[path.parent] / path.name).with_suffix(".txt") for path in paths]


def together(found: Sequence[YoloImages]) -> YoloImages:
    """The images of several folders and lists as those of one."""
    if len(found) == 1:
        return found[0]
    root = Path(os.path.commonpath([one.root.absolute() for one in found]))
    paths = [one.root.absolute() / os.fsdecode(name) for one in found for name in one.names]
    return YoloImages(
        called=found[0].called,
        root=root,
        names=[os.fsencode(os.path.relpath(path, root)) for path in paths],
        texts=[text for one in found for text in one.texts],
        wheres=[where for one in found for where in one.wheres],
        unused=tuple(text for one in found for text in one.unused),
        note=next((one.note for one in found if one.note), None),
        set_aside=tuple(entry for one in found for entry in one.set_aside),
    )


def labels_folder(images: Path) -> Path:
    """Folder of the text files of a folder of images: ``images`` in its path becomes ``labels``."""
    parts = list(images.parts)
    for place in reversed(range(len(parts))):
        if parts[place] == "images":
            other = Path(*parts[:place], "labels", *parts[place + 1 :])
            if other.is_dir():
                return other
    return images


def class_names(names: Any, file: Path) -> list[str]:
    """The classes of a data.yaml: a list, or numbers with names.

    Raises:
        DataError: They are neither.
    """
    if isinstance(names, Mapping):
        numbered = {int(k) if str(k).isdecimal() else k: name for k, name in names.items()}
        if numbered.keys() == set(range(len(names))):
            names = [numbered[index] for index in range(len(names))]
    whole = isinstance(names, list) and names and all(type(n) in (str, int) for n in names)
    if not whole or len({str(name) for name in names}) != len(names):
        raise DataError(
            f"{shown(file)}: names must list the classes, each once, in the order of their "
            f"numbers, but it is {str(names)[:60]}."
        )
    return [str(name) for name in names]


def names_in_file(file: Path) -> list[str]:
    """The classes of a text file, a line each.

    Raises:
        DataError: It cannot be read, or names a class twice.
    """
    try:
        text = file.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise DataError(f"{shown(file)} cannot be read: {error.strerror}.") from error
    return class_names([x.strip() for x in text.splitlines() if x.strip()], file)


def names_near(images: YoloImages) -> list[str]:
    """The classes of a file beside the labels or images, or above them; nothing without one."""
    for file in _files_of_names(images):
        if file.is_file():
            return names_in_file(file)
    return []


def _files_of_names(images: YoloImages) -> Iterator[Path]:
    here = images.root / Path(os.fsdecode(images.names[0])).parent
    labels = images.called if images.called.is_dir() else images.texts[0].parent
    near = images.root if images.called.is_dir() else here
    for folder in (labels, near, labels.parent, near.parent, near.parent.parent):
        for name in NAMES:
            yield folder / name
