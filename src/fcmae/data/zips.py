"""Ordinary ZIP files of images: their directory, and reading of one member.

Whatever a ZIP says of itself is checked before it is believed: names that lead out of it, names
given twice, members that overlap, encryption and unknown compression are refused. A member is
never unpacked beyond the bytes that the reader allows, whatever length it claims.
"""

import hashlib
import os
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcmae.data.modes import Refused
from fcmae.data.naming import shown
from fcmae.errors import DataError

SIGNATURES = (b"PK\3\4", b"PK\5\6")
"""The first bytes of a ZIP: of a member, or of the end where there are none."""

LOCAL = struct.Struct("<4s5H3L2H")
"""What stands before a member: the last three are its length and those of its name and extras."""

DAMAGED = (
    OSError,
    ValueError,
    OverflowError,
    EOFError,
    NotImplementedError,
    struct.error,
    zipfile.BadZipFile,
)
"""What broken files raise in readers of ZIPs."""

OUTSIDE = (b"//", b"/./", b"/../")
"""What an absolute path contains, or one with parts that are empty, ``.`` or ``..``."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 1


@dataclass(frozen=True, kw_only=True)
class Strings:
    """Many byte strings in one.

    Attributes:
        blob: The strings, one after the other.
        ends: Where each begins in the blob, and where the last one ends.
    """

    blob: bytes
    ends: NDArray[np.int64]

    @classmethod
    def ended_by_zeros(cls, text: bytes) -> "Strings":
        """Strings of which each is followed by a zero byte."""
        zeros = np.flatnonzero(np.frombuffer(text, np.uint8) == 0)
        if not text.endswith(b"\0") and text:
            raise ValueError("its names have no end")
        ends = np.append(0, zeros - np.arange(len(zeros)))
        return cls(blob=text.replace(b"\0", b""), ends=ends)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, index: int) -> bytes:
        return self.blob[self.ends[index] : self.ends[index + 1]]


@dataclass(frozen=True, kw_only=True)
class Members(ABC):
    """The images in a ZIP.

    Attributes:
        path: The file.
        names: Of the images, or of all members.
        order: The indices of the names that sort them by their bytes; None where they are sorted.
        digest: SHA-256 of the index, which changes when anything changes.
    """

    path: Path
    names: Strings
    order: NDArray[np.int64] | None = None
    digest: str

    def read(self, name: bytes, max_bytes: int) -> bytes:
        """The bytes of an image.

        Raises:
            Refused: There is no such image, or not whole, or it is too large.
        """
        index = self.find(name)
        if index is None:
            raise Refused(f"there is no such image in {shown(self.path)}")
        return self.read_member(index, max_bytes)

    def find(self, name: bytes) -> int | None:
        """The index of a name, or None."""
        if self.order is None:
            place = index = bisect_left(self.names, name)
        else:
            order = self.order
            place = bisect_left(range(len(order)), name, key=lambda at: self.names[int(order[at])])
            index = int(order[place]) if place < len(order) else -1
        return index if place < len(self.names) and self.names[index] == name else None

    @abstractmethod
    def read_member(self, index: int, max_bytes: int) -> bytes:
        """The bytes of a member by its index; raises ``Refused`` as ``read`` does."""


@dataclass(frozen=True, kw_only=True)
class Directory(Members):
    """An ordinary ZIP: all of its files, sorted by name.

    Attributes:
        begins: Where each member begins in the file.
        packed: How many bytes it takes there.
        lengths: How many bytes it has unpacked.
        checks: Its CRC-32.
    """

    begins: NDArray[np.int64]
    packed: NDArray[np.int64]
    lengths: NDArray[np.int64]
    checks: NDArray[np.int64]

    def read_member(self, index: int, max_bytes: int) -> bytes:
        """The bytes of a member, unpacked, whose CRC-32 is right."""
        length, packed = int(self.lengths[index]), int(self.packed[index])
        if max(length, packed) > max_bytes:
            raise Refused(f"{length} bytes are more than loader.max_bytes, {max_bytes}")
        try:
            with self.path.open("rb") as file:
                file.seek(int(self.begins[index]))
                header = LOCAL.unpack(file.read(LOCAL.size))
                file.seek(header[-2] + header[-1], os.SEEK_CUR)
                data = file.read(packed)
            if header[3] == zipfile.ZIP_DEFLATED:
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, length + 1)
        except (struct.error, zlib.error) as error:
            raise Refused(f"damaged in {self.path.name}: {error}") from error
        if len(data) != length or zlib.crc32(data) != self.checks[index]:
            raise Refused(f"damaged: its bytes are not those that {self.path.name} promises")
        return data


def read_directory(path: Path) -> Directory:
    """Read and check the central directory of a ZIP.

    Raises:
        DataError: It is damaged, hostile or encrypted.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = sorted(archive.infolist(), key=lambda x: os.fsencode(x.filename))
            start = archive.start_dir
        with path.open("rb") as file:
            file.seek(start)
            digest = hashlib.sha256(file.read()).hexdigest()
        members = [x for x in members if not x.is_dir()]
        _check_members(members, start)
    except DAMAGED as error:
        raise DataError(
            f"{shown(path)} was not read as a ZIP: {error}. Unpack it and name the folder, or make "
            "it again from the images with `fcmae pack`."
        ) from error
    text = b"".join(os.fsencode(x.filename) + b"\0" for x in members)
    return Directory(
        path=path,
        names=Strings.ended_by_zeros(text),
        digest=digest,
        begins=np.array([x.header_offset for x in members], np.int64),
        packed=np.array([x.compress_size for x in members], np.int64),
        lengths=np.array([x.file_size for x in members], np.int64),
        checks=np.array([x.CRC for x in members], np.int64),
    )


def name_that_leads_outside(text: bytes) -> bytes | None:
    """The first of these names, each ended by a zero byte, that leads out of its folder."""
    parts = b"/" + text.replace(b"\0", b"/")
    places = [place for sign in OUTSIDE if (place := parts.find(sign)) >= 0]
    if not places:
        return None
    begin = text.rfind(b"\0", 0, min(places)) + 1
    return text[begin : text.index(b"\0", begin)]


def check_names(text: bytes) -> None:
    """Refuse names, each ended by a zero byte, that lead out of the file.

    Raises:
        ValueError: There is one.
    """
    name = name_that_leads_outside(text)
    if name is not None:
        raise ValueError(f"the name {shown(os.fsdecode(name))!r} in it leads elsewhere")


def _check_members(members: list[zipfile.ZipInfo], start: int) -> None:
    names = [os.fsencode(x.filename) for x in members]
    check_names(b"".join(name + b"\0" for name in names))
    for name, after in pairwise(names):
        if name == after:
            raise ValueError(f"the name {shown(os.fsdecode(name))!r} is in it twice")
    for x in members:
        if x.flag_bits & ENCRYPTED:
            raise ValueError(f"{shown(x.filename)} in it is encrypted")
        if x.compress_type not in METHODS:
            raise ValueError(f"{shown(x.filename)} in it is compressed in a way that is not read")
    in_file = sorted((x.header_offset, x.compress_size) for x in members)
    begins = np.array([begin for begin, _ in in_file] + [start], np.int64)
    least = np.array([LOCAL.size + packed for _, packed in in_file], np.int64)
    if (begins[:-1] < 0).any() or (np.diff(begins) < least).any():
        raise ValueError("its members overlap, or lie outside")
