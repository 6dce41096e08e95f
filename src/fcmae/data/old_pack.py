"""Packs in the first format, which was no ZIP: read by ``fcmae pack`` to write them again."""

import hashlib
import mmap
import os
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fcmae.data.image_list import ImageList
from fcmae.data.naming import shown
from fcmae.data.pack import VERSION_1
from fcmae.data.packing import Content
from fcmae.errors import DataError


def is_old_pack(path: Path) -> bool:
    """True for a file that begins like a pack in the first format."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(VERSION_1)) == VERSION_1


def old_pack(path: Path) -> tuple[ImageList, Iterator[Content]]:
    """The names and classes in a pack in the first format, and its images.

    Raises:
        DataError: It is damaged.
    """
    with path.open("rb") as file:
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    start, _, digest = struct.unpack("<16xQQ32s", whole[:64].ljust(64))
    index = whole[start:]
    if hashlib.sha256(index).digest() != digest:
        raise DataError(f"{shown(path)} is damaged: its index is not what was written.")
    num, num_classes, *_ = struct.unpack_from("<5Q", index)
    sizes = np.cumsum([num + 1, num_classes + 1, num + 1, num + 1, num]).tolist()
    numbers = np.frombuffer(index, "<i8", sizes[-1], 40)
    *all_ends, places, labels = np.split(numbers, sizes[:-1])
    rest, strings = index[40 + 8 * sizes[-1] + 32 * num :], []
    for ends in all_ends:
        strings.append([rest[a:b] for a, b in pairwise(ends.tolist())])
        rest = rest[ends[-1] :]
    names, classes, reasons = strings
    digests = np.frombuffer(index, "V32", num, 40 + 8 * sizes[-1])

    def content(number: int) -> Content:
        data = whole[places[number] : places[number + 1]]
        damaged = hashlib.sha256(data).digest() != digests[number].tobytes()
        return Content(data=data, reason=reasons[number].decode() or "damaged" * damaged)

    labelled: dict[str, Any] = {"labels": labels, "classes": tuple(map(os.fsdecode, classes))}
    images = ImageList.of(path, names, **(labelled if classes else {}))
    return images, map(content, range(num))
