"""Planes of files as images of their own: ``--loader.planes each``."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from fcmae.data.decoded import Decoded
from fcmae.data.facts import describe
from fcmae.data.image import Aim, UnusableImage, open_for, open_image, upright_size
from fcmae.data.image_list import ImageList
from fcmae.data.image_store import FileStore
from fcmae.data.modes import Picture
from fcmae.data.options import DEFAULT, Loader, Reading
from fcmae.data.tiles import Regions, open_regions
from fcmae.data.values import ValueAnnotations
from fcmae.errors import DataError

Listed = TypeVar("Listed")


@dataclass(frozen=True, kw_only=True, eq=False)
class PlaneStore(FileStore):
    """Files, each of them as often as it has planes.

    Attributes:
        planes: The plane of its file that an image is, from 0.
        alone: True for the images of files that have no other plane.
    """

    planes: NDArray[np.int64]
    alone: NDArray[np.bool_]

    @classmethod
    def over(
        cls, files: FileStore, planes: NDArray[np.int64], alone: NDArray[np.bool_]
    ) -> "PlaneStore":
        """Planes of files that are listed once for each of them."""
        return cls(
            root=files.root,
            blob=files.blob,
            offsets=files.offsets,
            digest=files.digest,
            planes=planes,
            alone=alone,
        )

    @property
    def files(self) -> FileStore:
        """The files themselves."""
        return FileStore(root=self.root, blob=self.blob, offsets=self.offsets, digest=self.digest)

    def key(self, index: int) -> bytes:
        """The relative path as the file system has it, and the plane."""
        return self.files.key(index) + self._plane(index).encode()

    def name(self, index: int) -> str:
        """The relative path as it is shown to people, and the plane, as in ``stack.tif#3``."""
        return self.files.name(index) + self._plane(index)

    def path(self, index: int) -> Path:
        """Path of the file that an image is in."""
        return self.files.path(index)

    def _plane(self, index: int) -> str:
        return "" if self.alone[index] else f"#{int(self.planes[index]) + 1}"

    def _how(self, index: int, how: Reading) -> Reading:
        return replace(how, planes="each", plane=int(self.planes[index]))

    def open(
        self,
        index: int,
        *,
        channels: int | None = None,
        how: Reading = DEFAULT,
    ) -> Picture:
        """Decodes a plane."""
        return open_image(self.path(index), channels=channels, how=self._how(index, how))

    def open_for(
        self,
        aim: Aim,
        index: int,
        *,
        channels: int,
        how: Reading = DEFAULT,
    ) -> Decoded:
        """Decodes a plane as far as the regions need."""
        return open_for(aim, self.path(index), channels=channels, how=self._how(index, how))

    def open_regions(
        self, index: int, *, channels: int, how: Reading = DEFAULT
    ) -> AbstractContextManager[Regions]:
        """Opens a plane to read windows of it."""
        return open_regions(self.path(index), channels=channels, how=self._how(index, how))

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of the upright plane, from the file's header alone."""
        return upright_size(self.path(index), how=self._how(index, DEFAULT))

    def subset(self, indices: NDArray[np.int64]) -> "PlaneStore":
        """The planes with these indices, in this order."""
        files = self.files.subset(indices)
        return PlaneStore.over(files, self.planes[indices], self.alone[indices])

    def identity(self) -> Iterator[bytes]:
        """Yields what tells the files, and which planes of them."""
        yield from self.files.identity()
        yield b"planes " + self.planes.astype("<i8").tobytes()


def each_plane(images: Listed, loader: Loader) -> Listed:
    """Images with an entry for each plane of a file, where the loader is to read them so.

    Labels of a file are those of each of its planes. What is not a list of files is given back as
    it is; so is a file that cannot be read, which will be named when it is opened.

    Raises:
        DataError: The images have labels with places, which belong to one plane only.
    """
    if loader.planes != "each" or not isinstance(images, ImageList):
        return images
    if not isinstance(images.store, FileStore) or isinstance(images.store, PlaneStore):
        return images
    if not isinstance(images.annotations, ValueAnnotations | None):
        raise DataError(
            "loader.planes is each, but labels of objects and label maps belong to one plane: "
            "leave the option out, or give channels."
        )
    numbers = np.array([_number(images.store, i, loader) for i in range(len(images))])
    listed = images.subset(np.repeat(np.arange(len(images)), numbers))
    planes = np.concatenate([np.arange(number) for number in numbers.tolist()])
    store = PlaneStore.over(listed.files, planes, np.repeat(numbers == 1, numbers))
    return replace(  # type: ignore[return-value]  # an ImageList, as it was
        listed, store=store, set_aside=images.set_aside, notes=images.notes
    )


def _number(store: FileStore, index: int, loader: Loader) -> int:
    try:
        return describe(store.path(index), how=loader.reading).planes
    except UnusableImage:
        return 1
