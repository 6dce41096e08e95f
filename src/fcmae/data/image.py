"""The one front door for images: which files are accepted, and what their pixels mean.

Accepted are regular files with JPEG, PNG, WebP, BMP, TIFF or GIF inside, whatever they are called;
of animations and multi-page files the first picture. EXIF orientation is undone.

===============================  ============================================================
in the file                      becomes (height x width x channels)
===============================  ============================================================
1 bit                            one channel, 0 or 255
8 bits grey, colour, palette     1, 3 and 3 channels of uint8, as they are
opacity (LA, RGBA, colour key)   laid on white; kept if the model takes 2 or 4 channels
CMYK, YCCK                       3 channels; Adobe's inversion is undone where marked
YCbCr, HSV                       3 channels, as Pillow converts
16 bits grey, any byte order     float32, divided by 65535
16 bits colour or opacity: PNG   uint8, the upper 8 bits (Pillow offers no more)
16 bits colour: TIFF             float32, divided by 65535
other integers                   float32, [0, 65535] to [0, 1]; values outside widen that
float                            float32, [0, 1] as it is; values outside widen that
TIFF with more channels          all of its channels, by the rules above
===============================  ============================================================

"Widen" means that the range from the smaller of 0 and the minimum to the larger of the top and the
maximum is mapped to [0, 1], picture by picture. NaN and infinite values are refused.
"""

import logging
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from fcmae.data.modes import Picture, Refused, picture_from, upright, with_channels
from fcmae.data.naming import shown
from fcmae.data.options import Loader
from fcmae.errors import DataError

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
MAX_ASPECT = 200
"""Of a longer strip, a crop would show nothing but a smear."""

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


# What Pillow would log becomes an error of ours.
logging.getLogger("PIL.TiffImagePlugin").setLevel(logging.CRITICAL)


class UnusableImage(DataError):  # noqa: N818 - the file is at fault, not the program
    """A file that is not an image we accept, with the reason in the user's words."""

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(shown(path), reason)
        self.path, self.reason = self.args

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


def open_image(
    path: str | os.PathLike[str],
    *,
    channels: int | None = None,
    max_pixels: int = Loader.max_pixels,
    max_bytes: int = Loader.max_bytes,
) -> Picture:
    """Read a picture by the table above.

    Args:
        path: Any file name; only the content decides.
        channels: What the model takes: grey is repeated for 3 channels, colour becomes luma for 1,
            else the numbers must agree. None leaves the picture as it is.
        max_pixels: Larger pictures are refused unread.
        max_bytes: Larger files are refused unread.

    Raises:
        UnusableImage: Whatever is wrong with the file; nothing else is raised.
    """
    try:
        with _regular_file(path, max_bytes) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = _decode(file, keep_alpha=channels in (2, 4), max_pixels=max_pixels)
        _check_size(picture.shape[1], picture.shape[0], max_pixels)
        if channels is not None:
            picture = with_channels(picture, channels)
        return np.ascontiguousarray(picture)  # type: ignore[return-value]  # dtype unchanged
    except Exception as error:  # decoders raise anything at all on hostile bytes
        raise UnusableImage(path, _reason(error)) from error


@contextmanager
def _regular_file(path: str | os.PathLike[str], max_bytes: int) -> Iterator[IO[bytes]]:
    """Open without ever waiting: a pipe or device would block a reader for ever."""
    with open(path, "rb", opener=_open_without_waiting) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Refused("not a regular file")
        if status.st_size == 0:
            raise Refused("the file is empty")
        if status.st_size > max_bytes:
            raise Refused(f"{status.st_size} bytes are more than --loader.max_bytes {max_bytes}")
        yield file


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _decode(file: IO[bytes], *, keep_alpha: bool, max_pixels: int) -> Picture:
    kind = _kind(file)
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        if kind == "TIFF":
            from fcmae.data.tiff import read_tiff

            return read_tiff(file, keep_alpha=keep_alpha, max_pixels=max_pixels)
        raise
    _check_size(*image.size, max_pixels)
    if kind == "TIFF":
        from fcmae.data.tiff import pillow_suffices, read_tiff

        if not pillow_suffices(image):
            return read_tiff(file, keep_alpha=keep_alpha, max_pixels=max_pixels)
    image.load()
    picture = picture_from(image, keep_alpha=keep_alpha)
    return upright(picture, _orientation(image))


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels:
        raise Refused(f"{width} x {height} pixels are more than --loader.max_pixels {max_pixels}")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise Refused(f"{width} x {height} pixels: one side is over {MAX_ASPECT} times the other")


def _kind(file: IO[bytes]) -> str:
    """What the first bytes say; anything but our formats is refused by its name."""
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


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation; a damaged EXIF block says nothing about the pixels, so 1."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow raises many kinds of error here
        return 1


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
