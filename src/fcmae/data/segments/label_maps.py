"""The label maps of a list of images."""

import hashlib
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fcmae.data.annotations import IGNORE, Annotation, Annotations
from fcmae.data.image_list import ImageList
from fcmae.data.open_file import UnusableImage
from fcmae.data.segments.colours import ColourTable
from fcmae.data.segments.meaning import NUMBERS, OUTSIDE, Meaning
from fcmae.data.segments.read import read_label_map


class MapStore(ABC):
    """Label maps by the index of their image, wherever their pixels are."""

    @abstractmethod
    def name(self, index: int) -> str:
        """Name of a label map in messages; empty where it has none of its own."""

    @abstractmethod
    def read(
        self, index: int, size: tuple[int, int], colours: ColourTable | None = None
    ) -> NDArray[np.int32]:
        """The number of each pixel.

        Args:
            index: Place of the image in the list.
            size: Height and width of the picture.
            colours: Number of each colour, where label maps are colours.

        Raises:
            UnusableImage: Whatever is wrong with it, as another size.
        """

    @abstractmethod
    def subset(self, indices: NDArray[np.int64]) -> "MapStore":
        """The label maps of the images with these indices, in this order."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when a label map does."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MapFiles(MapStore):
    """One file per image."""

    files: ImageList

    def name(self, index: int) -> str:
        """The relative path."""
        return self.files.name(index)

    def read(
        self, index: int, size: tuple[int, int], colours: ColourTable | None = None
    ) -> NDArray[np.int32]:
        """Decodes the file."""
        return read_label_map(self.files.path(index), size, colours)

    def subset(self, indices: NDArray[np.int64]) -> "MapFiles":
        """The files of these images."""
        return MapFiles(files=self.files.subset(indices))

    def fingerprint(self) -> str:
        """Changes with paths and sizes."""
        return self.files.fingerprint()


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelMapAnnotations(Annotations):
    """One label map per image, whose pixels are numbers of classes.

    Attributes:
        maps: The label maps, in the images' order.
        meaning: What their numbers mean.
        table: Class index of each number in them, ``IGNORE``, or ``OUTSIDE``.
    """

    maps: MapStore
    meaning: Meaning
    table: NDArray[np.int16]

    @classmethod
    def of(cls, maps: MapStore, meaning: Meaning) -> "LabelMapAnnotations":
        """The label maps with the table that their meaning tells."""
        return cls(maps=maps, meaning=meaning, table=meaning.table())

    def read(self, index: int, size: tuple[int, int]) -> Annotation:
        """``mask``: the class index of each pixel, int16."""
        name = self.maps.name(index)
        its_mask = f"its mask {name}".rstrip()
        try:
            numbers = self.maps.read(index, size, self.meaning.colours)
        except UnusableImage as error:
            raise UnusableImage(error.path, f"{its_mask}: {error.reason}") from error
        known = (numbers >= 0) & (numbers < NUMBERS)
        mask = np.where(known, self.table[numbers.clip(0, NUMBERS - 1)], np.int16(OUTSIDE))
        if (mask == OUTSIDE).any():
            outside = self._what_is_outside(numbers[mask == OUTSIDE])
            raise UnusableImage(name, f"{its_mask}: {outside}")
        return {"mask": mask}

    def subset(self, indices: NDArray[np.int64]) -> "LabelMapAnnotations":
        """The label maps of these images."""
        return replace(self, maps=self.maps.subset(indices))

    def renumbered(self, table: NDArray[np.int64]) -> "LabelMapAnnotations":
        """The same label maps, in which class ``k`` is called ``table[k]``."""
        named = self.table >= 0
        changed = self.table.copy()
        changed[named] = table[self.table[named]]
        return replace(self, table=changed)

    def fingerprint(self) -> str:
        """Changes with the label maps, and with what their numbers mean."""
        digest = hashlib.sha256(self.maps.fingerprint().encode())
        digest.update(self.table.astype("<i2").tobytes())
        return digest.hexdigest()

    def _what_is_outside(self, numbers: NDArray[np.int32]) -> str:
        found, counts = np.unique(numbers, return_counts=True)
        several = "".join(f", {number}" for number in found[1:4])
        known = self.meaning.all_numbers
        plain = list(known) == list(range(known[0], known[0] + len(known)))
        classes = f"{known[0]} to {known[-1]}" if plain else ", ".join(map(str, known[:8]))
        return (
            f"{int(counts.sum())} pixels have the number {found[0]}{several}, but the classes are "
            f"{classes}{self._and_ignored()}"
        )

    def _and_ignored(self) -> str:
        ignored = np.flatnonzero(self.table == IGNORE)
        return f" and {', '.join(map(str, ignored[:3]))} is ignored" if len(ignored) else ""
