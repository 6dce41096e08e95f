"""Images by their index, wherever their pixels are; and the first such place, files."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fcmae.data.decoded import Decoded
from fcmae.data.facts import Facts, describe
from fcmae.data.image import Aim, open_for, open_image, upright_size
from fcmae.data.modes import Picture
from fcmae.data.naming import shown
from fcmae.data.options import DEFAULT, Reading
from fcmae.data.tiles import Regions, open_regions


class ImageStore(ABC):
    """Images by their index.

    Reading is a function of the index alone, except where ``draws`` says otherwise. Whatever is
    wrong with an image raises ``UnusableImage``, and nothing else does.

    Attributes:
        draws: True if opening an image may draw from the global random generators. Whoever opens
            one then seeds them first.
    """

    draws: bool = False

    @property
    @abstractmethod
    def called(self) -> str:
        """Name of the whole in messages."""

    @abstractmethod
    def __len__(self) -> int:
        """Returns the number of images."""

    @abstractmethod
    def name(self, index: int) -> str:
        """Name of an image in messages and results."""

    @abstractmethod
    def key(self, index: int) -> bytes:
        """Bytes that stand for an image in random draws, such as which images are held out."""

    @abstractmethod
    def open(
        self,
        index: int,
        *,
        channels: int | None = None,
        how: Reading = DEFAULT,
    ) -> Picture:
        """Reads a picture whole, as ``fcmae.data.image.open_image`` does."""

    @abstractmethod
    def open_for(
        self,
        aim: Aim,
        index: int,
        *,
        channels: int,
        how: Reading = DEFAULT,
    ) -> Decoded:
        """Reads a picture as far as some regions need, as ``fcmae.data.image.open_for`` does."""

    @abstractmethod
    def open_regions(
        self, index: int, *, channels: int, how: Reading = DEFAULT
    ) -> AbstractContextManager[Regions]:
        """Opens an image to read windows of it; limits of size do not count."""

    @abstractmethod
    def size(self, index: int) -> tuple[int, int]:
        """Height and width of an upright picture."""

    def facts(self, index: int, how: Reading = DEFAULT) -> Facts | None:
        """What an image's header says; None if it has none."""
        return None

    @abstractmethod
    def subset(self, indices: NDArray[np.int64]) -> "ImageStore":
        """The images with these indices, in this order."""

    @abstractmethod
    def identity(self) -> Iterator[bytes]:
        """Yields what the store's fingerprint is the hash of."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FileStore(ImageStore):
    """Files in a folder or a ZIP.

    All paths lie in one block of bytes, so that a million of them cost one object, and the
    processes of a loader share its memory instead of copying it object by object.

    Attributes:
        root: The folder that the paths are relative to.
        blob: The paths' bytes, one after the other.
        offsets: Where in the blob each path begins, and where the last one ends.
        digest: Of all bytes, where they lie in a ZIP.
    """

    root: Path
    blob: bytes
    offsets: NDArray[np.int64]
    digest: str = ""

    @classmethod
    def of(cls, root: Path, names: Sequence[bytes], digest: str = "") -> "FileStore":
        """Paths relative to the root, in the order given."""
        ends = np.cumsum([0] + [len(name) for name in names], dtype=np.int64)
        return cls(root=root, blob=b"".join(names), offsets=ends, digest=digest)

    @property
    def called(self) -> str:
        """The folder."""
        return shown(self.root)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def key(self, index: int) -> bytes:
        """The relative path as the file system has it."""
        return self.blob[self.offsets[index] : self.offsets[index + 1]]

    def name(self, index: int) -> str:
        """The relative path as it is shown to people."""
        return shown(os.fsdecode(self.key(index)))

    def path(self, index: int) -> Path:
        """Path of an image."""
        return self.root / os.fsdecode(self.key(index))

    def open(
        self,
        index: int,
        *,
        channels: int | None = None,
        how: Reading = DEFAULT,
    ) -> Picture:
        """Decodes a file whole."""
        return open_image(self.path(index), channels=channels, how=how)

    def open_for(
        self,
        aim: Aim,
        index: int,
        *,
        channels: int,
        how: Reading = DEFAULT,
    ) -> Decoded:
        """Decodes a file, a JPEG no larger than the regions need."""
        return open_for(aim, self.path(index), channels=channels, how=how)

    def open_regions(
        self, index: int, *, channels: int, how: Reading = DEFAULT
    ) -> AbstractContextManager[Regions]:
        """Opens a file to read windows of it."""
        return open_regions(self.path(index), channels=channels, how=how)

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of the upright picture, from the file's header alone."""
        return upright_size(self.path(index))

    def facts(self, index: int, how: Reading = DEFAULT) -> Facts | None:
        """What the file's header says."""
        return describe(self.path(index), how=how)

    def subset(self, indices: NDArray[np.int64]) -> "FileStore":
        """The files with these indices, in this order."""
        return FileStore.of(self.root, [self.key(i) for i in indices.tolist()], self.digest)

    def identity(self) -> Iterator[bytes]:
        """Yields number, paths and sizes of the files: they survive a copy, but no change."""
        yield f"{len(self)} images{self.digest}\n".encode()
        root = os.fsencode(self.root)
        for index in range(len(self)):
            name = self.key(index)
            yield b"%s\0%d\n" % (name, _size(os.path.join(root, name)))


def _size(path: bytes) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return -1
