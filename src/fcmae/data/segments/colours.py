"""Masks whose pixels are colours: from a table of colours to numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fcmae.data.modes import Refused

Colour = tuple[int, int, int]
VOID: Colour = (224, 224, 192)
"""The border of objects in PASCAL VOC, which nobody is judged by."""


@dataclass(frozen=True)
class ColourTable:
    """Number of each colour.

    Attributes:
        colours: Red, green and blue of the classes, in their order.
        numbers: Number of each class.
        void: Number of pixels that nobody is judged by.
    """

    colours: tuple[Colour, ...]
    numbers: tuple[int, ...]
    void: int

    @cached_property
    def by_colour(self) -> dict[Colour, int]:
        """The number of each colour, and of the border of objects."""
        return {VOID: self.void} | dict(zip(self.colours, self.numbers, strict=True))

    @property
    def all_grey(self) -> bool:
        """True if the colours are shades of grey, so that grey masks hold them too."""
        return all(red == green == blue for red, green, blue in self.colours)

    def numbers_of(self, pixels: NDArray[np.uint8]) -> NDArray[np.int32]:
        """The number of each pixel.

        Args:
            pixels: Height x width x 3.

        Raises:
            Refused: A colour is no class's.
        """
        packed = pixels.astype(np.int64) @ np.array([65536, 256, 1])
        found, places = np.unique(packed, return_inverse=True)
        colours = [(int(one) >> 16, int(one) >> 8 & 255, int(one) & 255) for one in found]
        strange = [colour for colour in colours if colour not in self.by_colour]
        if strange:
            raise Refused(
                f"it has {len(strange)} colours that no class has, such as {strange[0]} (red, "
                "green, blue)"
            )
        numbers = np.array([self.by_colour[colour] for colour in colours], dtype=np.int32)
        return numbers[places].reshape(packed.shape)


def voc_palette(count: int) -> tuple[Colour, ...]:
    """The first colours of PASCAL VOC's palette, which many programs draw label maps with."""
    return tuple((_bits(n), _bits(n >> 1), _bits(n >> 2)) for n in range(count))


def _bits(number: int) -> int:
    """Every third bit of a number, the lowest one first."""
    return sum(((number >> 3 * k) & 1) << 7 - k for k in range(8))


def same_channels(pixels: NDArray[np.generic]) -> bool:
    """True if red, green and blue are equal everywhere, so that a mask is grey."""
    first = pixels[..., :1]
    return bool((pixels == first).all())


def are_distinct(colours: Sequence[Colour]) -> bool:
    """True if no two classes have one colour."""
    return len(set(colours)) == len(colours)
