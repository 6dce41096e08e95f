"""The store of images that a program holds or makes, one item at a time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fcmae.data.as_image import picture_of, size_of
from fcmae.data.decoded import Decoded
from fcmae.data.image import Aim, UnusableImage, open_for, open_image
from fcmae.data.image_store import ImageStore
from fcmae.data.items.held import Held, reading
from fcmae.data.modes import Picture, check_size
from fcmae.data.naming import shown
from fcmae.data.options import DEFAULT, Reading
from fcmae.data.source import is_path
from fcmae.data.tiles import DecodedRegions as Whole
from fcmae.data.tiles import Regions, open_regions
from fcmae.randomness import permutation, seeded

SAMPLED = 256
"""Items by whose pixels a data set is known again."""

SAMPLED_BYTES = 256 * 2**20
"""Of large items fewer are enough, as many as have so many bytes together."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemStore(ImageStore):
    """Some of the items of an array, a list or a data set.

    Attributes:
        held: The items.
        indices: Place of each image among them.
        names: Names of all items; by default they are numbered.
        faults: Reasons why items cannot be used, by place, as far as they are known already.
        title: Name of the whole in messages.
    """

    held: Held
    indices: NDArray[np.int64]
    names: tuple[str, ...] | None = None
    faults: Mapping[int, str] = field(default_factory=dict)
    title: str = "the data set"

    @property
    def called(self) -> str:
        """Name of the whole."""
        return self.title

    @property
    def draws(self) -> bool:  # type: ignore[override]  # follows from what is held
        """True if reading an item runs somebody's code."""
        return self.held.draws

    def __len__(self) -> int:
        return len(self.indices)

    def place(self, index: int) -> int:
        """Place of an image among all items."""
        return int(self.indices[index])

    def name(self, index: int) -> str:
        """Name of an item; by default its number, or its path if it is one."""
        place = self.place(index)
        if self.names is not None:
            return shown(self.names[place])
        images = self.held.images
        item = images[place] if isinstance(images, (list, tuple)) else None
        item = item[0] if isinstance(item, tuple) and item else item
        return shown(item) if is_path(item) else f"item {place}"

    def key(self, index: int) -> bytes:
        """The name, in bytes."""
        return self.name(index).encode("utf-8", "surrogateescape")

    def open(
        self,
        index: int,
        *,
        channels: int | None = None,
        how: Reading = DEFAULT,
    ) -> Picture:
        """Reads an item; files are opened as everywhere."""
        with self._reading(index) as image:
            if is_path(image):
                return open_image(image, channels=channels, how=how)
            height, width = size_of(image)
            check_size(width, height, how.max_pixels)
            return picture_of(image, channels, how=how, any_range=True)

    def open_for(
        self,
        aim: Aim,
        index: int,
        *,
        channels: int,
        how: Reading = DEFAULT,
    ) -> Decoded:
        """Reads an item; of a file as much as the regions need."""
        with self._reading(index) as image:
            if is_path(image):
                return open_for(aim, image, channels=channels, how=how)
            height, width = size_of(image)
            check_size(width, height, how.max_pixels)
            return Decoded(
                pixels=picture_of(image, channels, how=how, any_range=True),
                channels=channels,
                height=height,
                width=width,
                regions=aim(height, width),
            )

    @contextmanager
    def open_regions(
        self, index: int, *, channels: int, how: Reading = DEFAULT
    ) -> Iterator[Regions]:
        """Opens an item to read windows of it; what is in memory is there whole."""
        with self._reading(index) as image:
            whole = (
                None
                if is_path(image)
                else Whole(picture_of(image, channels, how=how, any_range=True))
            )
        if whole is not None:
            yield whole
            return
        assert is_path(image)
        with open_regions(image, channels=channels, how=how) as regions:
            yield regions

    def size(self, index: int) -> tuple[int, int]:
        """Height and width of an item."""
        with self._reading(index) as image:
            return size_of(image)

    def subset(self, indices: NDArray[np.int64]) -> "ItemStore":
        """The items with these indices, in this order."""
        return ItemStore(
            held=self.held,
            indices=self.indices[indices],
            names=self.names,
            faults=self.faults,
            title=self.title,
        )

    def identity(self) -> Iterator[bytes]:
        """Yields the number of images, their places, and the pictures of 256 of them.

        The pictures are those of ``open``: shape, type and bytes, or that an item is unusable. They
        end with the one that makes them more than 256 MiB. Which ones they are depends on the
        number of images alone. Another number is always noticed, and a change of one image in a
        hundred in 92 cases of 100.
        """
        yield f"{len(self)} items\n".encode() + self.indices.astype("<i8").tobytes()
        left = SAMPLED_BYTES
        for index in sampled(len(self)):
            if left < 0:
                return
            with seeded(0, "item", self.place(index)):
                try:
                    picture = self.open(index)
                except UnusableImage:
                    yield b"unusable\n"
                else:
                    yield f"{picture.shape} {picture.dtype}\n".encode() + picture.tobytes()
                    left -= picture.nbytes

    def target(self, index: int) -> Any:
        """The target of an item, ``NOTHING`` if it has none; a single number as Python has it.

        Raises:
            UnusableImage: The item cannot be read.
        """
        with self.blaming(index):
            target = self.held.target(self.place(index))
            alone = isinstance(target, (Tensor, np.ndarray, np.generic)) and target.ndim == 0
            return target.item() if alone else target

    @contextmanager
    def blaming(self, index: int) -> Iterator[None]:
        """Whatever goes wrong inside is the fault of an item.

        Raises:
            UnusableImage: Anything was raised inside, or the item is known to be unusable.
        """
        place, name = self.place(index), f"{self.name(index)} of {self.called}"
        if place in self.faults:
            raise UnusableImage(name, self.faults[place])
        with reading(name):
            yield

    @contextmanager
    def _reading(self, index: int) -> Iterator[Any]:
        with self.blaming(index):
            yield self.held.image(self.place(index))


def sampled(length: int) -> list[int]:
    """Indices by which a data set of this length is known again."""
    chosen: list[int] = permutation(0, "fingerprint", length=length)[:SAMPLED].tolist()
    return chosen
