"""ZIP files of images: the format of ``fcmae pack``, and reading of single images.

A ZIP is read like a folder that never changes: ``photos.zip/cats/1.jpg`` names an image in it
wherever a path names an image. Two kinds are read: any ordinary ZIP (``fcmae.data.zips``), and
those that ``fcmae pack`` writes, which open and read faster and notice every changed byte.

A pack is an ordinary ZIP whose members are stored uncompressed, in this order::

    .fcmae/format       "fcmae pack 2"
    the images          encoded as in a file of their own, in the order of the data set
    .fcmae/index.json   {"images": their number, "classes": names or null, "unusable": reasons}
    .fcmae/names        the images' names, each ended by a zero byte
    .fcmae/table.npy    a row for each image, of type ``ROW``
    the ZIP's central directory, whose comment is "fcmae pack 2 START SHA256"

START is where the member ``.fcmae/index.json`` begins. SHA256 is the digest of the first ``HEAD``
bytes of the file and of all from START up to the comment; so opening a pack needs no walk through
the central directory. A row's digest is that of a member with its header. So every byte of the
file is covered by one digest or another.

An image that could not be used when the pack was made is no member, but has a name, a row and a
reason.
"""

import hashlib
import io
import json
import os
import re
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.modes import Refused
from fcmae.data.naming import shown
from fcmae.data.zips import (
    DAMAGED,
    LOCAL,
    SIGNATURES,
    Members,
    Strings,
    check_names,
    read_directory,
)
from fcmae.errors import DataError

VERSION = b"fcmae pack 2"
VERSION_1 = b"fcmae pack 1\0\0\0\0"
"""The first bytes of packs in the first format, which was no ZIP."""

OWN = (".fcmae/format", ".fcmae/index.json", ".fcmae/names", ".fcmae/table.npy")
"""The members that are no images."""

HEAD = LOCAL.size + len(OWN[0]) + len(VERSION)
COMMENT = re.compile(re.escape(VERSION) + rb" (\d{20}) ([0-9a-f]{64})")
COMMENT_BYTES = len(VERSION) + 1 + 20 + 1 + 64
END = struct.Struct("<4s4H2LH")
"""The last record of a ZIP, which its comment follows."""

ROW = np.dtype(
    [
        ("begin", "<i8"),  # where the member begins in the file
        ("data", "<i8"),  # where its bytes begin
        ("end", "<i8"),
        ("label", "<i8"),  # index of the class, -1 where there are none
        ("by_name", "<i8"),  # index of the image that is here in the order of names
        ("sha256", "V32"),  # of the member with its header
    ]
)


@dataclass(frozen=True, kw_only=True)
class PackIndex(Members):
    """The index of a file that ``fcmae pack`` wrote.

    Attributes:
        classes: Of the images, where they have any.
        reasons: Why an image cannot be used, by its name.
        rows: Of type ``ROW``.
    """

    classes: tuple[str, ...] | None
    reasons: Mapping[bytes, str]
    rows: NDArray[Any]

    def read_member(self, index: int, max_bytes: int) -> bytes:
        """The bytes of an image, which are those that were packed."""
        if reason := self.reasons.get(self.names[index]):
            raise Refused(reason)
        begin, data, end, _, _, digest = self.rows[index].item()
        if end - data > max_bytes:
            raise Refused(f"{end - data} bytes are more than loader.max_bytes, {max_bytes}")
        with self.path.open("rb") as file:
            file.seek(begin)
            member = file.read(end - begin)
        if hashlib.sha256(member).digest() != digest:
            raise Refused(f"damaged: its bytes are not those that were packed in {self.path.name}")
        return member[data - begin :]


def open_zip(path: Path) -> Members | None:
    """The images of a ZIP, whose index is read once for as long as the file stays the same.

    Returns:
        None where the file is no ZIP at all.

    Raises:
        DataError: It is damaged, hostile, encrypted, or a pack in the first format.
    """
    try:
        return _open_as(path, path.stat())
    except OSError:
        return None  # whoever opens it next says why


def within_zip(path: Path) -> tuple[Members, bytes] | None:
    """The ZIP that a path leads into, and the name of the image there."""
    for parent in path.parents:
        try:
            status = parent.stat()
        except (NotADirectoryError, FileNotFoundError):
            continue
        members = _open_as(parent, status) if stat.S_ISREG(status.st_mode) else None
        name = os.fsencode(path.relative_to(parent).as_posix())
        return None if members is None else (members, name)
    return None


def _open_as(path: Path, status: os.stat_result) -> Members | None:
    return _open(path, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=8)
def _open(path: Path, inode: int, size: int, changed_ns: int) -> Members | None:
    with path.open("rb") as file:
        head = file.read(HEAD)
        file.seek(max(0, size - COMMENT_BYTES))
        comment = COMMENT.fullmatch(file.read())
    if head.startswith(VERSION_1):
        raise DataError(
            f"{shown(path)} is a pack in the first format, which was no ZIP and is no longer read: "
            f"`fcmae pack --data {shown(path)} --out NEW.zip` makes one of it."
        )
    if comment is None and not head.endswith(VERSION):
        return read_directory(path) if head.startswith(SIGNATURES) else None
    try:
        if comment is None:
            raise ValueError("it is cut short, or another program has changed it")
        start, digest = int(comment[1]), comment[2].decode()
        with path.open("rb") as file:
            file.seek(start)
            index = file.read(max(0, size - COMMENT_BYTES - start))
        found = hashlib.sha256(head)
        found.update(index)
        if found.hexdigest() != digest:
            raise ValueError("the bytes of its index are not those that were written")
        return _parse(path, index, start, digest)
    except (*DAMAGED, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            f"{shown(path)} is damaged: {error}. Make it again with `fcmae pack`."
        ) from error


def _parse(path: Path, index: bytes, start: int, digest: str) -> PackIndex:
    at, parts = 0, []
    for name in OWN[1:]:
        signature, *_, length, name_length, extra_length = LOCAL.unpack_from(index, at)
        begin = at + LOCAL.size + name_length + extra_length
        named = index[at + LOCAL.size : begin - extra_length]
        at = begin + length
        if (signature, named) != (SIGNATURES[0], name.encode()) or at > len(index):
            raise ValueError("the parts of its index do not add up")
        parts.append(index[begin:at])
    facts = json.loads(parts[0])
    classes = facts["classes"]
    rows = _rows(parts[2])
    order = rows["by_name"].astype(np.int64)
    pack = PackIndex(
        path=path,
        order=None if np.array_equal(order, np.arange(len(order))) else order,
        names=Strings.ended_by_zeros(parts[1]),
        digest=digest,
        classes=None if classes is None else tuple(map(str, classes)),
        reasons={os.fsencode(name): str(why) for name, why in facts["unusable"].items()},
        rows=rows,
    )
    check_names(parts[1])
    _check_rows(pack, start)
    return pack


def _rows(table: bytes) -> NDArray[Any]:
    """The array of a .npy file, of which nothing is run and nothing copied."""
    file = io.BytesIO(table)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("its table is not of this version")
    _, _, dtype = np.lib.format.read_array_header_1_0(file)
    if dtype != ROW:
        raise ValueError("its table has other columns")
    return np.frombuffer(table, ROW, offset=file.tell())


def _check_rows(pack: PackIndex, start: int) -> None:
    rows = pack.rows
    if len(rows) != len(pack.names):
        raise ValueError("its table has not a row for each name")
    begin, data, end = rows["begin"], rows["data"], rows["end"]
    if ((begin < HEAD) | (data < begin) | (end < data) | (end > start)).any():
        raise ValueError("its table points outside")
    if not np.array_equal(np.sort(rows["by_name"]), np.arange(len(rows))):
        raise ValueError("its table does not name every image once")
    least, most = (0, len(pack.classes)) if pack.classes else (-1, 0)
    if ((rows["label"] < least) | (rows["label"] >= most)).any():
        raise ValueError("its table names classes that it does not have")
