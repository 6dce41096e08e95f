"""Files with the same bytes: an image in two classes, or in train and in val."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fcmae.data.image_list import ImageList
from fcmae.data.image_store import FileStore

MANY = 20_000
"""Images above which nothing is compared before a training; ``fcmae check`` compares all."""

Entry = tuple[str, int]
"""Part and index of an image."""


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Images whose files are equal byte for byte.

    Attributes:
        groups: The images of each such file, two or more each.
        images: The lists that they are from, by part.
    """

    groups: list[list[Entry]]
    images: Mapping[str, ImageList]

    def sentences(self) -> Iterator[str]:
        """Yields what is wrong with them: of two classes, of two parts, or just there twice."""
        classes = [group for group in self.groups if len({*map(self._label, group)}) > 1]
        if classes:
            yield self._told(classes, "in two classes", "so that nobody can tell them apart")
        parts = [group for group in self.groups if len({part for part, _ in group}) > 1]
        if parts:
            yield self._told(parts, "in two parts", "so that results on them mean nothing")
        others = [group for group in self.groups if group not in classes and group not in parts]
        if others:
            yield self._told(others, "there more than once", "which count as often")

    def _told(self, groups: list[list[Entry]], where: str, so: str) -> str:
        first, second = (self._name(*entry) for entry in self._unlike(groups[0]))
        count = f"{len(groups):,} image{'s are' if len(groups) > 1 else ' is'}"
        return f"{count} {where} (the same bytes), {so}: {first} and {second}."

    def _unlike(self, group: list[Entry]) -> tuple[Entry, Entry]:
        """Two of a group, which differ in class or part where any do."""
        first = group[0]
        kind = (first[0], self._label(first))
        other = next((one for one in group[1:] if (one[0], self._label(one)) != kind), group[1])
        return first, other

    def _label(self, entry: Entry) -> str | None:
        images = self.images[entry[0]]
        index = images.label(entry[1])
        return None if index is None or images.classes is None else images.classes[index]

    def _name(self, part: str, index: int) -> str:
        name = self.images[part].name(index)
        return f"{part}/{name}" if len(self.images) > 1 else name


def duplicates(images: Mapping[str, ImageList], most: int | None = None) -> Duplicates:
    """Finds files with the same bytes; only those of equal size are read.

    Args:
        images: Lists of files by part; other lists are passed over.
        most: How many images to compare at most; above, none is.
    """
    files = {part: one for part, one in images.items() if isinstance(one.store, FileStore)}
    found = Duplicates(groups=[], images=files)
    if most is not None and sum(map(len, files.values())) > most:
        return found
    by_size = dict[int, list[Entry]]()
    for part, one in files.items():
        for index in range(len(one)):
            size = _size(one, index)
            if size > 0:
                by_size.setdefault(size, []).append((part, index))
    by_bytes = dict[bytes, list[Entry]]()
    for entries in by_size.values():
        for part, index in entries if len(entries) > 1 else ():
            digest = _digest(files[part], index)
            if digest is not None:
                by_bytes.setdefault(digest, []).append((part, index))
    found.groups.extend(group for group in by_bytes.values() if len(group) > 1)
    return found


def _size(images: ImageList, index: int) -> int:
    try:
        return os.stat(images.path(index)).st_size
    except (OSError, ValueError):
        return 0


def _digest(images: ImageList, index: int) -> bytes | None:
    try:
        with open(images.path(index), "rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError:
        return None
