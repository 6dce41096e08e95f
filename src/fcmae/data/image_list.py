"""Many images with their labels, as one compact object."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.annotations import Annotations
from fcmae.data.image_store import FileStore, ImageStore
from fcmae.errors import DataError

UNKNOWN = -1
"""Label of an image whose class could not be read; it is not used."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageList:
    """Images, and their labels where there are any.

    Attributes:
        store: The images themselves.
        labels: Index of each image's class.
        classes: Name of each class.
        annotations: What else is known about each image.
        set_aside: (path, reason) of files and folders that were found, but are not read.
        notes: Sentences about what was understood of the source where it was not plain.
    """

    store: ImageStore
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] | None = None
    annotations: Annotations | None = None
    set_aside: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, root: Path, names: Sequence[bytes], **rest: Any) -> "ImageList":
        """A list of files relative to the root, in the order given."""
        return cls(store=FileStore.of(root, names), **rest)

    def __len__(self) -> int:
        return len(self.store)

    @property
    def files(self) -> FileStore:
        """The store of a list of files.

        Raises:
            DataError: The images are not files.
        """
        if not isinstance(self.store, FileStore):
            raise DataError(
                f"files are needed, but the images of {self.store.called} are not files: give a "
                "folder or a list."
            )
        return self.store

    @property
    def root(self) -> Path:
        """The folder that the paths of files are relative to."""
        return self.files.root

    def name(self, index: int) -> str:
        """The name of an image as it is shown to people; of a file, the relative path."""
        return self.store.name(index)

    def path(self, index: int) -> Path:
        """Path of a file."""
        return self.files.path(index)

    def label(self, index: int) -> int | None:
        """Index of the image's class."""
        return None if self.labels is None else int(self.labels[index])

    def subset(self, indices: NDArray[np.int64]) -> "ImageList":
        """The images with these indices, in this order."""
        return ImageList(
            store=self.store.subset(indices),
            labels=None if self.labels is None else self.labels[indices],
            classes=self.classes,
            annotations=None if self.annotations is None else self.annotations.subset(indices),
        )

    def share(self, indices: NDArray[np.int64]) -> "ImageList":
        """The images with these indices, and what is said about the whole source."""
        return replace(self.subset(indices), set_aside=self.set_aside, notes=self.notes)

    def keys(self) -> NDArray[np.uint64]:
        """A number for each image that depends on its name and on nothing else."""
        digests = (hashlib.sha256(self.store.key(i)).digest()[:8] for i in range(len(self)))
        return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)

    def fingerprint(self) -> str:
        """SHA-256 of what the store is known by (``ImageStore.identity``), classes and labels."""
        digest = hashlib.sha256()
        for part in self.store.identity():
            digest.update(part)
        if self.labels is not None:
            digest.update(repr(self.classes).encode() + self.labels.astype("<i8").tobytes())
        if self.annotations is not None:
            digest.update(f"{self.classes!r} {self.annotations.fingerprint()}".encode())
        return digest.hexdigest()

    def with_classes(self, classes: Sequence[str]) -> "ImageList":
        """The same images, labelled by their place in another list of classes (a model's)."""
        if self.classes is None:
            raise DataError(f"the images of {self.store.called} have no labels.")
        place = {name: index for index, name in enumerate(classes)}
        unknown = [name for name in self.classes if name not in place]
        if unknown:
            raise DataError(
                f"{self.store.called} has classes that the model does not know: "
                f"{', '.join(unknown[:5])}. It knows {len(place)}, as {', '.join(classes[:5])}."
            )
        table = np.array([place[name] for name in self.classes], dtype=np.int64)
        return replace(
            self,
            labels=None if self.labels is None else _renumbered(self.labels, table),
            annotations=None if self.annotations is None else self.annotations.renumbered(table),
            classes=tuple(classes),
        )


def _renumbered(labels: NDArray[np.int64], table: NDArray[np.int64]) -> NDArray[np.int64]:
    """Labels by another numbering; unknown ones stay so."""
    return np.where(labels == UNKNOWN, UNKNOWN, table[labels])
