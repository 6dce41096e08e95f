"""Annotations of an image beyond one class: label map, boxes and masks, numbers."""

from abc import ABC, abstractmethod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Annotation: TypeAlias = dict[str, NDArray[np.generic]]
"""The labels of one image by name. Names with a place in the image are transformed with it:
``mask`` (h w, class index of each pixel), ``masks`` (objects h w, bool) and ``boxes`` (objects 4:
left, top, right, bottom in pixels). All others are left as they are, such as ``outlines`` (objects,
COCO segmentations in JSON), of which a view makes the masks that it shows."""

IGNORE = -1
"""Class index in a label map of pixels that nobody is judged by."""


class Annotations(ABC):
    """The labels of an ``ImageList``, image by image; read in the loader's processes.

    Reading must be a function of the index alone, and every image must have the same names and
    types. What is wrong with one image's labels raises ``UnusableImage`` with the image's path,
    its reason naming the file and line at fault; it then counts as an unusable image.
    """

    @abstractmethod
    def read(self, index: int, size: tuple[int, int]) -> Annotation:
        """The labels of an image.

        Args:
            index: Place of the image in the list.
            size: Height and width of its picture, upright.

        Raises:
            UnusableImage: The labels cannot be read, or do not fit the picture.
        """

    @abstractmethod
    def subset(self, indices: NDArray[np.int64]) -> "Annotations":
        """The labels of the images with these indices, in this order."""

    @abstractmethod
    def renumbered(self, table: NDArray[np.int64]) -> "Annotations":
        """The same labels where class ``k`` is called ``table[k]``."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Changes when the labels do."""
