"""Many paths with their labels, as one compact object."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.annotations import Annotations
from fcmae.data.naming import shown
from fcmae.errors import DataError


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageList:
    """Paths of images, and their labels where there are any.

    All paths lie in one block of bytes, so that a million of them cost one object, and the
    processes of a loader share its memory instead of copying it object by object.

    Attributes:
        root: The folder that the paths are relative to.
        blob: The paths' bytes, one after the other.
        offsets: Where in the blob each path begins, and where the last one ends.
        labels: Index of each image's class.
        classes: Name of each class.
        annotations: What else is known about each image.
        set_aside: (path, reason) of files and folders that were found, but are not read.
        digest: Of all bytes, where they lie in a pack.
    """

    root: Path
    blob: bytes
    offsets: NDArray[np.int64]
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] | None = None
    annotations: Annotations | None = None
    set_aside: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    digest: str = ""

    @classmethod
    def of(cls, root: Path, names: Sequence[bytes], **rest: Any) -> "ImageList":
        """A list of paths relative to the root, in the order given."""
        ends = np.cumsum([0] + [len(name) for name in names], dtype=np.int64)
        return cls(root=root, blob=b"".join(names), offsets=ends, **rest)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def name_bytes(self, index: int) -> bytes:
        """The relative path as the file system has it."""
        return self.blob[self.offsets[index] : self.offsets[index + 1]]

    def name(self, index: int) -> str:
        """The relative path as it is shown to people."""
        return shown(os.fsdecode(self.name_bytes(index)))

    def path(self, index: int) -> Path:
        """Path of the image."""
        return self.root / os.fsdecode(self.name_bytes(index))

    def label(self, index: int) -> int | None:
        """Index of the image's class."""
        return None if self.labels is None else int(self.labels[index])

    def subset(self, indices: NDArray[np.int64]) -> "ImageList":
        """The images with these indices, in this order."""
        part = ImageList.of(self.root, [self.name_bytes(i) for i in indices.tolist()])
        labels = None if self.labels is None else self.labels[indices]
        annotations = None if self.annotations is None else self.annotations.subset(indices)
        return replace(
            part,
            labels=labels,
            classes=self.classes,
            annotations=annotations,
            digest=self.digest,
        )

    def keys(self) -> NDArray[np.uint64]:
        """A number for each relative path that depends on nothing else."""
        digests = (hashlib.sha256(self.name_bytes(i)).digest()[:8] for i in range(len(self)))
        return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)

    def fingerprint(self) -> str:
        """SHA-256 over number, paths, classes and file sizes: it survives a copy, but no change."""
        digest = hashlib.sha256(f"{len(self)} images{self.digest}\n".encode())
        root = os.fsencode(self.root)
        for index in range(len(self)):
            name = self.name_bytes(index)
            digest.update(b"%s\0%d\n" % (name, _size(os.path.join(root, name))))
        if self.labels is not None:
            digest.update(repr(self.classes).encode() + self.labels.astype("<i8").tobytes())
        if self.annotations is not None:
            digest.update(f"{self.classes!r} {self.annotations.fingerprint()}".encode())
        return digest.hexdigest()

    def with_classes(self, classes: Sequence[str]) -> "ImageList":
        """The same images, labelled by their place in another list of classes (a model's)."""
        if self.classes is None:
            raise DataError(f"the images of {shown(self.root)} have no labels.")
        place = {name: index for index, name in enumerate(classes)}
        unknown = [name for name in self.classes if name not in place]
        if unknown:
            raise DataError(
                f"{shown(self.root)} has classes that the model does not know: "
                f"{', '.join(unknown[:5])}. It knows {len(place)}, as {', '.join(classes[:5])}."
            )
        table = np.array([place[name] for name in self.classes], dtype=np.int64)
        return replace(
            self,
            labels=None if self.labels is None else table[self.labels],
            annotations=None if self.annotations is None else self.annotations.renumbered(table),
            classes=tuple(classes),
        )


def _size(path: bytes) -> int:
    try:
        return os.stat(path).st_size
    except (OSError, ValueError):
        return -1
