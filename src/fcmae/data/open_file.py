"""Opens files: regular files that begin like a known format; errors in the user's words."""

import io
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from fcmae.data.modes import Refused
from fcmae.data.naming import shown
from fcmae.data.pack import within_zip
from fcmae.errors import DataError

OpenSource = str | os.PathLike[str]
"""Where the bytes of an image are: in a file, or in a ZIP (``fcmae.data.pack``)."""

ByteStream = io.BufferedReader | io.BytesIO
"""An open file, or what was read of a ZIP."""

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
KINDS = {
    b"\xff\xd8": "JPEG",
    b"\x89PNG": "PNG",
    b"RIFF": "WebP",
    b"BM": "BMP",
    b"GIF8": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
}
OTHERS = {
    b"<!DOC": "an HTML page",
    b"<!doc": "an HTML page",
    b"<html": "an HTML page",
    b"<HTML": "an HTML page",
    b"<svg": "an SVG drawing",
    b"<?xml": "XML",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"8BPS": "a Photoshop file",
    b"PK\3\4": "a ZIP archive",
    b"\x93NUMPY": "a NumPy array",
    b"\0\0\0\x0cjP": "JPEG 2000",
    b"\0\0\0\x0cJXL": "JPEG XL",
    b"\0\5\x16\7": "macOS metadata (AppleDouble)",
}
BRANDS = {b"avif": "AVIF", b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"isom": "a video"}


class UnusableImage(DataError):  # noqa: N818 - the file is at fault, not the program
    """A file that is not an image we accept, with the reason in the user's words."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(shown(path), reason)
        self.path, self.reason = self.args

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


@contextmanager
def entrance(source: OpenSource, max_bytes: int) -> Iterator[ByteStream]:
    """Open a file to decode it inside, and to do nothing else there.

    Raises:
        UnusableImage: Anything was raised inside, or the file could not be opened.
    """
    with decoding(source), opened(source, max_bytes) as file:
        yield file


@contextmanager
def decoding(source: OpenSource) -> Iterator[None]:
    """Whatever goes wrong inside is the fault of the file that is decoded there.

    Raises:
        UnusableImage: Anything was raised inside.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except UnusableImage:
        raise
    except Exception as error:  # decoders raise anything at all on hostile bytes
        raise UnusableImage(source, _reason(error)) from error


def opened(path: OpenSource, max_bytes: int) -> AbstractContextManager[ByteStream]:
    """A file, or an image in a ZIP, whose path goes on where that of the ZIP ends."""
    try:
        return _regular_file(path, max_bytes)
    except (NotADirectoryError, FileNotFoundError):  # the second on Windows
        found = within_zip(Path(path))
        if found is None:
            raise
        members, name = found
        return io.BytesIO(members.read(name, max_bytes))


def _regular_file(path: OpenSource, max_bytes: int) -> ByteStream:
    """Open without ever waiting: a pipe or device would block a reader for ever."""
    file = open(path, "rb", opener=_open_without_waiting)  # noqa: SIM115 - the caller closes it
    try:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Refused("not a regular file")
        if status.st_size == 0:
            raise Refused("the file is empty")
        if status.st_size > max_bytes:
            raise Refused(f"{status.st_size} bytes are more than loader.max_bytes, {max_bytes}")
    except BaseException:
        file.close()
        raise
    return file


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def kind_of(file: ByteStream) -> str:
    """Recognises a format by its first bytes; anything else is refused by its name."""
    head = file.read(32)
    file.seek(0)
    for magic, kind in KINDS.items():
        if head.startswith(magic):
            return kind
    other = BRANDS.get(head[8:12]) if head[4:8] == b"ftyp" else None
    for magic, name in OTHERS.items():
        if head.lstrip().startswith(magic):
            other = name
    what = f"it is {other}" if other else f"it begins with {head[:12]!r}"
    raise Refused(f"{what}, not one of {', '.join(FORMATS)}")


def _reason(error: Exception) -> str:
    if isinstance(error, Refused):
        return str(error)
    if isinstance(error, UnidentifiedImageError):
        return "damaged: its header cannot be read"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot be read: {error.strerror}"
    if isinstance(error, Image.DecompressionBombError):
        return f"more pixels than Pillow's limit of {2 * (Image.MAX_IMAGE_PIXELS or 0)}"
    return f"damaged: {shown(' '.join(str(error).split())[:200]) or type(error).__name__}"
