"""The objects of many images, as a few arrays."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fcmae.data.annotations import Annotation, Annotations
from fcmae.data.image import UnusableImage

NO_NUMBER = -1
"""Number of a class that the label file does not have."""

TURNED = (
    "turned by its EXIF orientation: the labels are for the picture as stored; or they have width "
    "and height exchanged"
)
"""Reasons why a picture is as wide as its labels say that it is high."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Objects(Annotations):
    """Boxes, classes and outlines of an ``ImageList``'s images, in its order.

    A million objects are a few arrays and one block of bytes, which the processes of a loader
    share.

    Attributes:
        source: The label file or folder, as it is shown to people.
        sizes: Height and width of each image in pixels (images 2).
        image_ids: Number of each image in COCO files.
        first: Index of each image's first object, and of the end of the last image's.
        boxes: Left, top, right and bottom of each object in pixels (objects 4).
        classes: Index of each object's class.
        class_ids: Number of each class in COCO files, or ``NO_NUMBER``.
        crowd: Whether it is a region of many objects: nobody learns from it, and whoever finds
            something in it is neither right nor wrong.
        areas: Pixels inside each outline, by which COCO tells small from large.
        blob: The outlines as COCO segmentations in JSON, one after the other.
        offsets: Where in the blob each outline begins, and where the last one ends; objects with a
            box only have an empty one.
    """

    source: str
    sizes: NDArray[np.int64]
    image_ids: NDArray[np.int64]
    first: NDArray[np.int64]
    boxes: NDArray[np.float64]
    classes: NDArray[np.int64]
    class_ids: NDArray[np.int64]
    crowd: NDArray[np.bool_]
    areas: NDArray[np.float64]
    blob: bytes
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def num_outlined(self) -> int:
        """Number of objects that have an outline, not only a box."""
        return int((np.diff(self.offsets) > 0).sum())

    def of_image(self, index: int) -> range:
        """Indices of an image's objects."""
        return range(int(self.first[index]), int(self.first[index + 1]))

    def outline(self, number: int) -> bytes:
        """COCO segmentation of an object in JSON; empty if there is only a box."""
        return self.blob[self.offsets[number] : self.offsets[number + 1]]

    def read(self, index: int, size: tuple[int, int]) -> Annotation:
        """Boxes, classes and, where every object has one, outlines; crowd regions are left out.

        Boxes that leave the image by a rounded pixel end at its border. Outlines stay as they are
        written, because masks of the whole image would be many times as large as the image.
        """
        self.check_size(index, size)
        span = self.of_image(index)
        kept = [number for number in span if not self.crowd[number]]
        right, bottom = size[1], size[0]
        annotation: Annotation = {
            "boxes": self.boxes[kept].clip(0, (right, bottom, right, bottom)).astype(np.float32),
            "labels": self.classes[kept],
        }
        if self.outlined:
            annotation["outlines"] = np.array([self.outline(n) for n in kept], dtype=np.object_)
        return annotation

    @property
    def outlined(self) -> bool:
        """True if every object has an outline."""
        return self.num_outlined == len(self)

    def check_size(self, index: int, size: tuple[int, int]) -> None:
        """Refuse a picture of another height and width than its labels say."""
        height, width = self.sizes[index]
        if (height, width) != size:
            turned = f" ({TURNED})" if (width, height) == size else ""
            raise UnusableImage(
                self.source,
                f"it has {size[1]} x {size[0]} pixels (width x height), but its labels in "
                f"{self.source} are for {width} x {height}{turned}",
            )

    def without_outlines(self) -> "Objects":
        """The same objects, boxes only."""
        return replace(self, blob=b"", offsets=np.zeros(len(self) + 1, dtype=np.int64))

    def subset(self, indices: NDArray[np.int64]) -> "Objects":
        """The objects of the images with these indices, in this order."""
        spans = [self.of_image(index) for index in indices.tolist()]
        numbers = np.array([number for span in spans for number in span], dtype=np.int64)
        texts = [self.outline(number) for number in numbers.tolist()]
        return replace(
            self,
            sizes=self.sizes[indices],
            image_ids=self.image_ids[indices],
            first=np.cumsum([0, *map(len, spans)]),
            boxes=self.boxes[numbers],
            classes=self.classes[numbers],
            crowd=self.crowd[numbers],
            areas=self.areas[numbers],
            blob=b"".join(texts),
            offsets=np.cumsum([0, *map(len, texts)]),
        )

    def renumbered(self, table: NDArray[np.int64]) -> "Objects":
        """The same objects where class ``k`` is called ``table[k]``."""
        ids = np.full(int(table.max(initial=-1)) + 1, NO_NUMBER)
        ids[table] = self.class_ids
        return replace(self, classes=table[self.classes], class_ids=ids)

    def fingerprint(self) -> str:
        """Changes when any object does."""
        digest = hashlib.sha256(self.blob)
        for array in (self.sizes, self.first, self.boxes, self.classes, self.crowd, self.offsets):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()
