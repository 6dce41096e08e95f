"""Making a pack: every image read and decoded once, shrunk if that is wanted, and written."""

import hashlib
import io
import json
import os
import signal
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcmae.data.cores import num_workers
from fcmae.data.image import open_image
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.naming import shown
from fcmae.data.open_file import UnusableImage, entrance
from fcmae.data.options import Loader
from fcmae.data.pack import COMMENT_BYTES, HEAD, OWN, ROW, VERSION
from fcmae.data.zips import name_that_leads_outside
from fcmae.errors import DataError

QUALITY = 95
"""Of the JPEG that a shrunk image becomes."""

CHUNK = 16
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every member, so that the same images make the same file."""

NO_MEMBER = "its name is not UTF-8, which a ZIP needs: rename it"


@dataclass(frozen=True, kw_only=True)
class Packed:
    """Summary of a pack that was written.

    Attributes:
        num_bytes: Length of the pack.
        shrunk: How many images were shrunk.
        unusable: (path, reason) of images of which the pack holds no more than that.
    """

    num_bytes: int
    shrunk: int
    unusable: list[tuple[str, str]]


@dataclass(frozen=True, kw_only=True)
class Content:
    """One image as it will be packed."""

    data: bytes = b""
    shrunk: bool = False
    reason: str = ""


def write_pack(
    images: ImageList,
    contents: Iterable[Content],
    file: io.BufferedRandom | io.BytesIO,
    *,
    done: Callable[[Content], object] | None = None,
) -> Packed:
    """Write the format of ``fcmae.data.pack``.

    Args:
        images: With their classes, if they have any.
        contents: Of each image in turn, as from ``contents_of``.
        file: An empty one, open for reading and writing.
        done: Called for each image in turn, for a progress bar.
    """
    names = _names(images)
    rows = np.zeros(len(names), ROW)
    for column in ("begin", "data", "end"):
        rows[column] = HEAD
    reasons: dict[bytes, str] = {}
    written: dict[bytes, int] = {}
    shrunk = 0
    with zipfile.ZipFile(file, "w") as archive:
        _add(archive, OWN[0], VERSION)
        for index, (name, content) in enumerate(zip(names, contents, strict=True)):
            if reason := content.reason or _why_no_member(name):
                reasons[name] = reason
            elif name in written:  # a list may name a file twice
                rows[index] = rows[written[name]]
            else:
                rows[index] = _add(archive, name.decode(), content.data)
                written[name] = index
                shrunk += content.shrunk
            if done is not None:
                done(content)
        rows["label"] = -1 if images.labels is None else images.labels
        rows["by_name"] = sorted(range(len(names)), key=names.__getitem__)
        start = file.tell()
        for member, data in zip(OWN[1:], _index(images, names, reasons, rows), strict=True):
            _add(archive, member, data)
    return Packed(
        num_bytes=_seal(file, start),
        shrunk=shrunk,
        unusable=[(shown(os.fsdecode(name)), reasons[name]) for name in names if name in reasons],
    )


def _names(images: ImageList) -> list[bytes]:
    """The images' names; if any leads out of the list's folder, relative to one that holds all."""
    names = [images.store.key(index) for index in range(len(images))]
    if name_that_leads_outside(b"".join(name + b"\0" for name in names)) is None:
        return names
    paths = [Path(os.path.abspath(images.path(index))) for index in range(len(images))]
    folder = os.path.commonpath([path.parent for path in paths])
    return [os.fsencode(path.relative_to(folder).as_posix()) for path in paths]


def _why_no_member(name: bytes) -> str:
    try:
        name.decode()
    except UnicodeDecodeError:
        return NO_MEMBER
    return ""


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> tuple[int, int, int, int, int, bytes]:
    """Write a member; a row of the table without label and order."""
    info = zipfile.ZipInfo(name, LONG_AGO)
    info.create_system, info.external_attr = 3, 0o644 << 16
    archive.writestr(info, data)
    header = info.FileHeader()
    begin, start = info.header_offset, info.header_offset + len(header)
    return begin, start, start + len(data), 0, 0, hashlib.sha256(header + data).digest()


def _index(
    images: ImageList, names: list[bytes], reasons: dict[bytes, str], rows: NDArray[Any]
) -> Iterator[bytes]:
    """The members after the images, in the order of ``OWN``."""
    unusable = {os.fsdecode(name): reason for name, reason in reasons.items()}
    facts = {"images": len(names), "classes": images.classes, "unusable": unusable}
    yield json.dumps(facts, indent=1).encode()
    yield b"".join(name + b"\0" for name in names)
    table = io.BytesIO()
    np.lib.format.write_array(table, rows, version=(1, 0), allow_pickle=False)
    yield table.getvalue()


def _seal(file: io.BufferedRandom | io.BytesIO, start: int) -> int:
    """Add the comment, in which the digest of the index is; the length of the file."""
    file.seek(-2, os.SEEK_END)
    file.write(struct.pack("<H", COMMENT_BYTES))
    file.seek(0)
    digest = hashlib.sha256(file.read(HEAD))
    file.seek(start)
    while part := file.read(2**20):
        digest.update(part)
    file.write(b"%s %020d %s" % (VERSION, start, digest.hexdigest().encode()))
    return file.tell()


def contents_of(
    images: ImageList, *, size: int | None = None, loader: Loader | None = None
) -> Iterator[Content]:
    """Bytes to pack of each image.

    Args:
        images: The images.
        size: Images of 8 bits whose shorter side has more pixels are shrunk to that many. None
            packs every image as it is, byte by byte.
        loader: Limits, and how many processes decode.
    """
    loader = loader or Loader()
    chunks = [range(i, min(i + CHUNK, len(images))) for i in range(0, len(images), CHUNK)]
    workers = num_workers(loader, num_tasks=len(chunks))
    if workers == 0:
        yield from (_content(images, size, loader, index) for index in range(len(images)))
        return
    arguments = (images, size, loader)
    with ProcessPoolExecutor(workers, initializer=_start, initargs=arguments) as pool:
        try:
            for contents in pool.map(_chunk, chunks):
                yield from contents
        except BrokenProcessPool as error:
            raise DataError(
                "a process that decodes images died; `fcmae check` finds the file that kills it."
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _content(images: ImageList, size: int | None, loader: Loader, index: int) -> Content:
    path = images.path(index)
    try:
        picture = open_image(path, how=loader.reading)
        if size is not None and _can_shrink(picture, size):
            return Content(data=_shrunk(picture, size), shrunk=True)
        with entrance(path, loader.max_bytes) as file:
            return Content(data=file.read())
    except UnusableImage as error:
        return Content(reason=error.reason)


def _can_shrink(picture: Picture, size: int) -> bool:
    height, width, channels = picture.shape
    return min(height, width) > size and picture.dtype == np.uint8 and channels in (1, 3)


def _shrunk(picture: Picture, size: int) -> bytes:
    from fcmae.data.cut import resize

    height, width, channels = picture.shape
    factor = size / min(height, width)
    small = resize(picture, (round(height * factor), round(width * factor)))
    buffer = io.BytesIO()
    image = Image.fromarray(small if channels == 3 else small[..., 0])
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


# What every task of a process of the pool needs; sent once rather than with each task.
_shared: list[tuple[ImageList, int | None, Loader]] = []


def _start(images: ImageList, size: int | None, loader: Loader) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process answers Ctrl-C
    _shared[:] = [(images, size, loader)]


def _chunk(chunk: range) -> list[Content]:
    return [_content(*_shared[0], index) for index in chunk]
