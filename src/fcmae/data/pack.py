"""Many images in one file: what it looks like, and reading from it.

A pack is read like a folder that never changes: ``photos.pack/cats/1.jpg`` names an image in it
wherever a path names an image. All numbers are little-endian::

    0    16  the words "fcmae pack 1" and four zero bytes
    16    8  where the index begins
    24    8  how many bytes it has
    32   32  SHA-256 of the index
    64       the images, encoded as in a file of their own, one after the other
             the index

The index is its parts, one after the other, in this order (n images, c classes)::

    uint64  n, c, bytes of all names, bytes of all class names, bytes of all reasons
    uint64  n + 1 ends of names, c + 1 ends of class names, n + 1 ends of reasons, each from 0
    uint64  n + 1 places in the file: where each image begins, and where the last one ends
    int64   n class indices, -1 where there are no classes
    32 n    SHA-256 of each image
            the names, sorted by their bytes; the class names; the reasons

An image that could not be used when the pack was made has no bytes, but a reason.
"""

import hashlib
import os
import struct
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcmae.data.modes import Refused
from fcmae.data.naming import shown
from fcmae.errors import DataError

MAGIC = b"fcmae pack 1\0\0\0\0"
HEADER = struct.Struct("<16sQQ32s")
COUNTS = struct.Struct("<5Q")


@dataclass(frozen=True, kw_only=True)
class Strings:
    """Many byte strings in one."""

    blob: bytes
    ends: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, index: int) -> bytes:
        return self.blob[self.ends[index] : self.ends[index + 1]]


@dataclass(frozen=True, kw_only=True)
class Pack:
    """The index of a pack.

    Attributes:
        path: The file.
        names: Of the images, sorted.
        classes: Of the images, where they have any.
        reasons: Why an image cannot be used; empty where it can.
        places: Where each image begins in the file, and where the last one ends.
        labels: Index of each image's class, or -1.
        digests: SHA-256 of each image.
        digest: SHA-256 of the index, and so of everything.
    """

    path: Path
    names: Strings
    classes: Strings
    reasons: Strings
    places: NDArray[np.int64]
    labels: NDArray[np.int64]
    digests: bytes
    digest: str

    def read(self, name: bytes, max_bytes: int) -> bytes:
        """The bytes of an image, which are those that were packed.

        Raises:
            Refused: The pack holds no such image, or not whole, or only the reason why.
        """
        index = bisect_left(self.names, name)
        if index == len(self.names) or self.names[index] != name:
            raise Refused(f"there is no such image in {shown(self.path)}")
        if reason := self.reasons[index]:
            raise Refused(reason.decode())
        begin, end = self.places[index : index + 2].tolist()
        if end - begin > max_bytes:
            raise Refused(f"{end - begin} bytes are more than --loader.max_bytes {max_bytes}")
        with self.path.open("rb") as file:
            file.seek(begin)
            data = file.read(end - begin)
        if hashlib.sha256(data).digest() != self.digests[32 * index : 32 * index + 32]:
            raise Refused(f"damaged: its bytes are not those that were packed in {self.path.name}")
        return data


def is_pack(path: Path) -> bool:
    """True if this is a file that begins like a pack."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def open_pack(path: Path) -> Pack:
    """The index of a pack; read once for as long as the file stays the same.

    Raises:
        DataError: It is no pack, or a damaged one.
    """
    status = path.stat()
    return _open_pack(path, status.st_ino, status.st_size, status.st_mtime_ns)


def within_pack(path: Path) -> tuple[Pack, bytes] | None:
    """The pack that a path leads into, and the name of the image there."""
    for parent in path.parents:
        if parent.is_file():
            name = os.fsencode(path.relative_to(parent).as_posix())
            return (open_pack(parent), name) if is_pack(parent) else None
        if parent.exists():
            return None
    return None


@lru_cache(maxsize=8)
def _open_pack(path: Path, inode: int, size: int, changed_ns: int) -> Pack:
    try:
        with path.open("rb") as file:
            magic, begin, length, digest = HEADER.unpack(file.read(HEADER.size))
            if magic != MAGIC or begin + length != size:
                raise ValueError("its length is not what its first bytes say")
            file.seek(begin)
            index = file.read(length)
        if hashlib.sha256(index).digest() != digest:
            raise ValueError("the bytes of its index are not those that were written")
        return _parse(path, index, begin, digest.hex())
    except (OSError, ValueError, struct.error) as error:
        raise DataError(
            f"{shown(path)} is damaged, or no pack: {error}. Make it again with `fcmae pack`."
        ) from error


def _parse(path: Path, index: bytes, end: int, digest: str) -> Pack:
    counts = COUNTS.unpack_from(index)
    num, num_classes, *lengths = counts
    sizes = [8 * (num + 1), 8 * (num_classes + 1), 8 * (num + 1), 8 * (num + 1), 8 * num, 32 * num]
    sizes += lengths
    if COUNTS.size + sum(sizes) != len(index):
        raise ValueError("the parts of its index do not add up")
    starts = np.cumsum([COUNTS.size, *sizes]).tolist()
    parts = [index[a:b] for a, b in pairwise(starts)]
    numbers = [np.frombuffer(part, "<i8").astype(np.int64) for part in parts[:5]]
    blobs = [parts[6], parts[7], parts[8]]
    limits = [*lengths, end]
    firsts = [0, 0, 0, HEADER.size]
    for ends, first, last in zip(numbers[:4], firsts, limits, strict=True):
        if ends[0] != first or ends[-1] != last or (np.diff(ends) < 0).any():
            raise ValueError("its index points outside")
    labels = numbers[4]
    least = 0 if num_classes else -1
    if num and not least <= labels.min() <= labels.max() < num_classes:
        raise ValueError("its index names classes that it does not have")
    names, classes, reasons = (
        Strings(blob=blob, ends=ends) for blob, ends in zip(blobs, numbers[:3], strict=True)
    )
    return Pack(
        path=path,
        names=names,
        classes=classes,
        reasons=reasons,
        places=numbers[3],
        labels=labels,
        digests=parts[5],
        digest=digest,
    )
