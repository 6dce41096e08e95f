"""Sorts images by their size, before any is read."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Sorts:
    """Images by the way they are looked at.

    Attributes:
        small: Indices of those that are read whole.
        large: Indices of those that are read by windows.
        unusable: (path, reason) of the files that are no images.
    """

    small: NDArray[np.int64]
    large: NDArray[np.int64]
    unusable: list[tuple[str, str]]


def by_size(images: ImageList, most_pixels: int) -> Sorts:
    """Tells images that are looked at whole from larger ones, and from files that are no images.

    Raises:
        DataError: There is no image among them.
    """
    small, large, unusable = list[int](), list[int](), list[tuple[str, str]]()
    for index in range(len(images)):
        try:
            height, width = images.store.size(index)
        except UnusableImage as error:
            unusable.append((images.name(index), error.reason))
        else:
            (large if height * width > most_pixels else small).append(index)
    if not small and not large:
        raise DataError(
            f"none of the {len(images)} files can be used, such as {unusable[0][0]}: "
            f"{unusable[0][1]}. `fcmae check` lists all of them."
        )
    return Sorts(
        small=np.array(small, dtype=np.int64),
        large=np.array(large, dtype=np.int64),
        unusable=unusable,
    )
