"""Making a pack: every image read and decoded once, shrunk if that is wanted, and written."""

import hashlib
import io
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

import numpy as np
from PIL import Image

from fcmae.data.cores import num_workers
from fcmae.data.entrance import UnusableImage, entrance
from fcmae.data.image import open_image
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.options import Loader
from fcmae.data.pack import COUNTS, HEADER, MAGIC
from fcmae.errors import DataError

QUALITY = 95
"""Of the JPEG that a shrunk image becomes."""

CHUNK = 16


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
    file: io.BufferedWriter | io.BytesIO,
    *,
    size: int | None = None,
    loader: Loader | None = None,
    done: Callable[[Content], object] | None = None,
) -> Packed:
    """Write the format of ``fcmae.data.pack``.

    Args:
        images: With their classes, if they have any.
        file: An empty one, open for writing, that can be sought in.
        size: Images of 8 bits whose shorter side has more pixels are shrunk to that many. None
            packs every image as it is, byte by byte.
        loader: Limits, and how many processes decode.
        done: Called for each image in turn, for a progress bar.
    """
    file.write(bytes(HEADER.size))
    order = sorted(range(len(images)), key=images.store.key)
    images = images.subset(np.array(order, dtype=np.int64))
    places, digests, reasons, shrunk = [HEADER.size], [], [], 0
    for content in _contents(images, size, loader or Loader()):
        file.write(content.data)
        places.append(places[-1] + len(content.data))
        digests.append(hashlib.sha256(content.data).digest())
        reasons.append(content.reason.encode())
        shrunk += content.shrunk
        if done is not None:
            done(content)
    index = _index(images, places, digests, reasons)
    file.write(index)
    file.seek(0)
    file.write(HEADER.pack(MAGIC, places[-1], len(index), hashlib.sha256(index).digest()))
    return Packed(
        num_bytes=places[-1] + len(index),
        shrunk=shrunk,
        unusable=[(images.name(i), why.decode()) for i, why in enumerate(reasons) if why],
    )


def _index(
    images: ImageList, places: Sequence[int], digests: Sequence[bytes], reasons: Sequence[bytes]
) -> bytes:
    names = [images.store.key(i) for i in range(len(images))]
    classes = [os.fsencode(name) for name in images.classes or ()]
    strings = (names, classes, reasons)
    lengths = [sum(map(len, of_kind)) for of_kind in strings]
    labels = np.full(len(images), -1) if images.labels is None else images.labels
    ends = [np.cumsum([0, *map(len, of_kind)]) for of_kind in strings]
    numbers = [*ends, np.array(places), labels]
    return b"".join(
        [
            COUNTS.pack(len(names), len(classes), *lengths),
            *(array.astype("<i8").tobytes() for array in numbers),
            *digests,
            *(blob for of_kind in strings for blob in of_kind),
        ]
    )


def _contents(images: ImageList, size: int | None, loader: Loader) -> Iterator[Content]:
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
    limits = {"max_pixels": loader.max_pixels, "max_bytes": loader.max_bytes}
    path = images.path(index)
    try:
        picture = open_image(path, **limits)
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
