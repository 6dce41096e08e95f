"""From a source of images to a list of them."""

import difflib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from fcmae.data.folders import FolderContents, folders_in, is_plain_file, sorted_in, walk
from fcmae.data.held_out import hold_out
from fcmae.data.image_list import ImageList
from fcmae.data.image_store import FileStore
from fcmae.data.naming import shown
from fcmae.data.options import Loader
from fcmae.data.pack import PackIndex, open_zip
from fcmae.data.source import ImageSource, described, is_path, paths_of
from fcmae.data.text_list import is_list, read_classes_of, read_list
from fcmae.data.walk import LINK
from fcmae.data.zips import Members
from fcmae.errors import DataError

__all__ = ["ImageList", "find_all", "find_images", "parts_of", "split"]

PARTS = {"train": ("train", "training"), "val": ("val", "valid", "validation")}
ALL_PARTS = {**PARTS, "test": ("test", "testing")}
"""The parts that training reads, and the one that it leaves alone."""


def find_images(
    source: ImageSource, *, labels: bool | None = None, loader: Loader | None = None
) -> ImageList:
    """List the images of a folder (read recursively), a list, a ZIP, or one image file.

    In a folder or ZIP with labels, the folders directly inside are the classes. A list names paths
    relative to its own folder: one per line in .txt; in .csv, columns ``path`` and ``label``.
    From Python it may also be an array, a list of images, a data set or ``ImageData``.

    Args:
        source: What to list.
        labels: Whether every image must have one. None takes labels where all images have one.
        loader: How many processes read the items of a data set for their labels.
    """
    paths = paths_of(source)
    if paths is None:
        from fcmae.data.items.find import find_items

        return find_items(source, labels=labels, loader=loader)
    if len(paths) == 1:
        return _from_path(paths[0], labels)
    if labels:
        raise DataError(
            f"{described(source)} have no labels: name one folder or list that has, or give "
            "fcmae.ImageData(paths, labels=...)."
        )
    return find_all(paths)


def find_all(paths: Sequence[Path]) -> ImageList:
    """The images of several folders, lists and files, in their order, each once, without labels.

    Paths are kept the way the sources were given, so that results name files as the user does.
    """
    names: dict[bytes, None] = {}
    for path in paths:
        images = _from_path(path, labels=False)
        names.update(dict.fromkeys(os.fsencode(images.path(i)) for i in range(len(images))))
    return ImageList.of(Path(), list(names))


def _from_path(source: Path, labels: bool | None) -> ImageList:
    if source.is_dir():
        return _from_folder(source, labels)
    if not source.exists():
        raise not_there(source)
    if is_list(source):
        return read_list(source, labels)
    if not is_plain_file(source):
        raise DataError(f"{shown(source)} is neither a folder nor a file.")
    if (members := open_zip(source)) is not None:
        return _from_zip(members, labels)
    if labels:
        raise DataError(f"{shown(source)} is one image, but labels need class folders or a list.")
    return ImageList.of(source.parent, [os.fsencode(source.name)])


def not_there(source: Path) -> DataError:
    """The error that there is no such file or folder, and what may have been meant."""
    return DataError(f"there is no file or folder {shown(source)}.{_near(source)}")


def _near(source: Path) -> str:
    parent = source.parent
    if not parent.is_dir():
        return f" (There is no {shown(parent)} either.)"
    names = [entry.name for entry in parent.iterdir()]
    near = difflib.get_close_matches(source.name, names, n=1)
    if near:
        return f" Did you mean {shown(parent / near[0])}?"
    return "" if source.is_absolute() else f" It was looked for in {shown(parent.resolve())}."


def _from_folder(source: Path, labels: bool | None) -> ImageList:
    return _with_classes(source, walk(source), labels)


def _with_classes(source: Path, found: FolderContents, labels: bool | None) -> ImageList:
    if not found.files:
        others = f" It holds {found.others} other files." if found.others else ""
        aside = f" Left out: {': '.join(found.set_aside[0])}." if found.set_aside else ""
        raise DataError(f"there are no images in {shown(source)}.{others}{aside}")
    images = ImageList.of(source, found.files, set_aside=tuple(found.set_aside))
    problem = _why_not_classes(source, found)
    if labels and (problem := problem or _lost_class(source, found)):
        raise DataError(problem)
    if labels is False or problem:
        return images
    classes = sorted(found.folders)
    place = {os.fsencode(name): index for index, name in enumerate(classes)}
    of_image = [place[name.split(b"/", 1)[0]] for name in found.files]
    return replace(images, labels=np.array(of_image, dtype=np.int64), classes=tuple(classes))


def _why_not_classes(source: Path, found: FolderContents) -> str | None:
    """The reason why the folders inside are not classes, or None."""
    where = shown(source)
    rule = "labels need one folder per class directly inside, or a .csv with columns path,label"
    loose = [name for name in found.files if b"/" not in name]
    if len(loose) == len(found.files):
        return f"{where} is a flat folder of {len(loose)} images, but {rule}."
    if loose:
        first = shown(os.fsdecode(loose[0]))
        return (
            f"{len(loose)} images (such as {first}) lie beside the folders in {where}, but {rule}."
        )
    parts = {name for names in ALL_PARTS.values() for name in names}
    if {name.lower() for name in found.folders} <= parts:
        return f"{where} holds {' and '.join(found.folders)}, not classes: name one of them."
    filled = {os.fsdecode(name.split(b"/", 1)[0]) for name in found.files}
    empty = [name for name in found.folders if name not in filled]
    if empty:
        return f"the class folders {', '.join(map(shown, empty[:5]))} in {where} hold no images."
    return None


def _lost_class(source: Path, found: FolderContents) -> str | None:
    """The reason why a class of this folder could be missing, or None."""
    lost = [(path, why) for path, why in found.set_aside if "/" not in path and LINK in why]
    if not lost:
        return None
    path, why = lost[0]
    return (
        f"{path} in {shown(source)} is {why}, so that a class would be lost: let it point to the "
        "folder of the class, or remove it."
    )


def _from_zip(members: Members, labels: bool | None) -> ImageList:
    source, names = members.path, members.names
    if not isinstance(members, PackIndex):
        folder, found = sorted_in(names[index] for index in range(len(names)))
        images = _with_classes(source / os.fsdecode(folder), found, labels)
        return replace(images, store=replace(images.files, digest=members.digest))
    store = FileStore(root=source, blob=names.blob, offsets=names.ends, digest=members.digest)
    images = ImageList(store=store)
    if labels and not members.classes:
        raise DataError(f"labels need classes, but {shown(source)} was packed without any.")
    if labels is False or not members.classes:
        return images
    of_image = members.rows["label"].astype(np.int64)
    return replace(images, labels=of_image, classes=members.classes)


def split(
    source: ImageSource,
    val: ImageSource | None = None,
    *,
    share: float = 0.1,
    loader: Loader | None = None,
) -> tuple[ImageList, ImageList]:
    """Labelled images to train on and to validate on, with the same classes.

    Taken are: ``val`` where it is named; else ``source/train`` and ``source/val``, or what the
    column ``split`` of a list says; else a share of each class is held out, chosen by the hash of
    its name, so that it is the same in every run. What is to test on is left alone.

    Args:
        source: The images.
        val: Those to validate on.
        share: How many are held out where there are none to validate on.
        loader: How many processes read the items of a data set for their labels.
    """
    if val is None and is_path(source) and Path(source).is_dir():
        parts = parts_of(Path(source))
        if parts:
            source, val = parts["train"], parts["val"]
    train = find_part(source, "train", loader=loader)
    if len(train.classes or ()) < 2:
        raise DataError(
            f"{described(source)} has a single class, but a classifier needs two or more."
        )
    if val is None and is_path(source) and is_list(Path(source)):
        found = read_classes_of(Path(source))
        val = source if found.divided and found.part("val") is not None else None
    if val is None:
        return hold_out(train, share)
    return train, find_part(val, "val", loader=loader).with_classes(train.classes or ())


def find_part(
    source: ImageSource, part: str, *, labels: bool | None = True, loader: Loader | None = None
) -> ImageList:
    """The images of a source; of a list that tells its parts by a column, those of one part.

    Args:
        source: What to list.
        part: train, val or test.
        labels: Whether every image must have one. None takes labels where all images have one.
        loader: How many processes read the items of a data set for their labels.
    """
    if is_path(source) and is_list(Path(source)) and Path(source).exists():
        return read_classes_of(Path(source), labels).checked().needed(part)
    return find_images(source, labels=labels, loader=loader)


def parts_of(source: Path) -> dict[str, Path]:
    """The folders train and val in a folder, and test beside them; none without the first two."""
    inside = folders_in(source)
    found = {part: [inside[n] for n in names if n in inside] for part, names in ALL_PARTS.items()}
    parts = {part: folders[0] for part, folders in found.items() if folders}
    return parts if PARTS.keys() <= parts.keys() else {}
