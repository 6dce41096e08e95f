"""Recognises object labels by what files hold, not by what folders are called."""

import os
from pathlib import Path

from fcmae.data.folders import names_in, walk
from fcmae.data.objects.part import ObjectFormat
from fcmae.data.objects.yolo_files import NAMES, labels_folder, listed, texts_of

GLANCE = 2**16
"""Bytes at either end of a file that are looked at."""

TRIED = 100
"""Images of a list whose labels are looked for."""


def is_coco(file: Path) -> bool:
    """True if a .json holds two of COCO's three lists, near its beginning or its end."""
    lists = (b'"images"', b'"annotations"', b'"categories"')
    return sum(_mentions(file, word) for word in lists) > 1


def holds(kind: ObjectFormat, labels: Path) -> bool:
    """True if a file or folder holds labels of a kind, sound or not.

    Args:
        kind: How they would be written.
        labels: COCO's file, VOC's folder of XML files, YOLO's folder or list of images.
    """
    if kind == "coco":
        return _mentions(labels, b'"images"', b'"annotations"', b'"categories"')
    if kind == "numbers":
        return False  # what pixels are, ``looks_numbered`` says
    if kind == "voc":
        return any(_mentions(file, b"<annotation") for file in labels.glob("*.xml"))
    return _list_has_labels(labels) if labels.is_file() else _folder_has_labels(labels)


def numbers_beside(images: Path) -> bool:
    """True if an image has a text file of its name, of numbers and not of words."""
    for name in names_in(images):
        text = (images / name).with_suffix(".txt")
        if text.is_file():
            return _is_numbers(text)
    return False


def _folder_has_labels(images: Path) -> bool:
    """True if a text file has the name of an image, up to the ending."""
    labels = labels_folder(images)
    texts = (file for file in labels.rglob("*.txt") if file.name not in NAMES)
    first = next(texts, None)
    if first is None:
        return False
    stems = {os.path.splitext(os.fsdecode(name))[0] for name in walk(images).files}
    return any(
        file.relative_to(labels).with_suffix("").as_posix() in stems for file in (first, *texts)
    )


def _list_has_labels(source: Path) -> bool:
    """True if an image of a list has a text file of numbers where YOLO puts it."""
    root, names, _ = listed(source)
    texts = texts_of(root, names[:TRIED])
    return any(text.is_file() and _is_numbers(text) for text in texts)


def _is_numbers(text: Path) -> bool:
    with text.open("rb") as file:
        return not file.read(64).strip(b"0123456789.-+eE \t\r\n")


def _mentions(file: Path, *words: bytes) -> bool:
    """True if one of these words is near the beginning or the end of a file."""
    try:
        with file.open("rb") as opened:
            text = opened.read(GLANCE)
            opened.seek(max(opened.seek(0, os.SEEK_END) - GLANCE, len(text)))
            text += opened.read()
    except OSError:
        return True  # reading it as labels says what is wrong with it
    return any(word in text for word in words)
