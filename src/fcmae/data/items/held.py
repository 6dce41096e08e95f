"""Items of an array, a list or a data set: the image of each, and the target beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Any

import numpy as np
from torch import Tensor

from fcmae.data.modes import Refused
from fcmae.data.naming import shown
from fcmae.data.open_file import UnusableImage
from fcmae.data.source import described
from fcmae.errors import DataError


class NoTarget(Enum):
    """The target of an item that has none; it survives the way between processes."""

    NOTHING = "nothing"


NOTHING = NoTarget.NOTHING

FEW = 4
"""An image has at most so many channels, where an array could be read in two ways."""


class Held:
    """Images by their place, as a program has them.

    The last item stays until the next is read, so that an image and its target come from one call
    of a data set, which may change both at random.

    Args:
        images: An array ``n h w c`` or ``n h w``, a tensor ``n c h w`` or ``n h w``, or anything
            with a length and items by number: images, or pairs (image, target).
    """

    def __init__(self, images: Any) -> None:
        check_axes(images)
        self.images = images
        self._last: tuple[int, Any] | None = None

    def __len__(self) -> int:
        return len(self.images)

    def __getstate__(self) -> dict[str, Any]:
        return {"images": self.images, "_last": None}

    @property
    def draws(self) -> bool:
        """True if reading an item runs somebody's code, which may draw from global generators."""
        return not isinstance(self.images, (np.ndarray, Tensor, list, tuple))

    def image(self, place: int) -> Any:
        """Reads an item and gives its image."""
        item = self.images[place]
        self._last = place, item
        return item[0] if isinstance(item, tuple) and item else item

    def target(self, place: int) -> Any:
        """The target of an item, ``NOTHING`` if it has none; not read again if it was the last."""
        if self._last is None or self._last[0] != place:
            self.image(place)
        assert self._last is not None
        item = self._last[1]
        target = item[1] if isinstance(item, tuple) and len(item) > 1 else None
        return NOTHING if target is None else target


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Whatever goes wrong inside is the fault of the item that is read there.

    Args:
        name: Name of the item.

    Raises:
        UnusableImage: Anything but a ``DataError`` was raised inside.
    """
    try:
        yield
    except DataError:
        raise
    except (Refused, ValueError) as error:
        raise UnusableImage(name, _sentence(error)) from error
    except Exception as error:  # a data set is somebody's code
        said = f"{type(error).__name__}: {_sentence(error)}".removesuffix(": ")
        raise UnusableImage(name, f"reading it raised {said}") from error


def _sentence(error: Exception) -> str:
    return shown(" ".join(str(error).split())[:300]).rstrip(".") if str(error) else ""


def check_axes(images: Any) -> None:
    """Refuse arrays that are no images, and those whose axes seem to be in another order.

    Raises:
        DataError: There are no images, or the axes are not those of many images.
    """
    if len(images) == 0:
        raise DataError(f"there are no images in {described(images)}.")
    if not isinstance(images, (np.ndarray, Tensor)):
        return
    shape, is_tensor = tuple(images.shape), isinstance(images, Tensor)
    rule = "a tensor n c h w or n h w" if is_tensor else "an array n h w c or n h w"
    said = f"images are {rule}, but this one has the shape {shape}"
    if images.ndim not in (3, 4):
        raise DataError(f"{said}.")
    if images.ndim == 3 and (shape[0] if is_tensor else shape[2]) <= FEW < shape[1]:
        grey = "; grey images as images[:, None]" if is_tensor else ""
        raise DataError(f"{said}, as a single image has: give it as images[None]{grey}.")
    channels, other = (shape[1], shape[-1]) if is_tensor else (shape[-1], shape[1])
    if images.ndim == 4 and other <= FEW < channels:
        order = "permute(0, 3, 1, 2)" if is_tensor else "transpose(0, 2, 3, 1)"
        raise DataError(f"{said}, whose channels seem to be elsewhere: give images.{order}.")
