"""Label maps of items: arrays, tensors, Pillow's images and files, given or from a data set."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.items.classes import names_of
from fcmae.data.items.find import as_data, store_of
from fcmae.data.items.held import NOTHING
from fcmae.data.items.scan import scan
from fcmae.data.items.store import SAMPLED_BYTES, ItemStore, sampled
from fcmae.data.modes import Refused
from fcmae.data.segments.classes import NamedClasses, checked_classes, read_classes
from fcmae.data.segments.colours import ColourTable
from fcmae.data.segments.label_maps import LabelMapAnnotations, MapStore
from fcmae.data.segments.look import looked_at
from fcmae.data.segments.meaning import stated
from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.segments.read import numbers_of, read_label_map, whole_numbers
from fcmae.data.source import described, is_path
from fcmae.errors import DataError
from fcmae.flags import option
from fcmae.randomness import seeded

WAYS = (
    "give fcmae.ImageData(images, label_maps=..., classes=[...]), or a data set whose items are "
    "(image, label map), with the class of each pixel"
)


@dataclass(frozen=True, kw_only=True, eq=False)
class ItemMaps(MapStore):
    """The label maps of some items.

    Attributes:
        store: The items.
        given: Label maps of all items; None where the targets of the items are meant.
    """

    store: ItemStore
    given: Any

    def name(self, index: int) -> str:
        """The path of a file; nothing for other label maps."""
        if self.given is None:
            return ""
        one = self.given[self.store.place(index)]
        return str(one) if is_path(one) else ""

    def read(
        self, index: int, size: tuple[int, int], colours: ColourTable | None = None
    ) -> NDArray[np.int32]:
        """The number of each pixel; the size is checked."""
        if self.given is None:
            target = self.store.target(index)
        else:
            target = self.given[self.store.place(index)]
        with self.store.blaming(index):
            return _numbers(target, size, colours)

    def subset(self, indices: NDArray[np.int64]) -> "ItemMaps":
        """The label maps of these images."""
        return replace(self, store=self.store.subset(indices))

    def fingerprint(self) -> str:
        """Hash of the label maps of the items by which the store is known again."""
        digest, left = hashlib.sha256(), SAMPLED_BYTES
        for index in sampled(len(self.store)):
            if left < 0:
                break
            with seeded(0, "item", self.store.place(index)):
                try:
                    numbers = self.read(index, self.store.size(index))
                except UnusableImage:
                    digest.update(b"unusable\n")
                else:
                    digest.update(f"{numbers.shape}\n".encode() + numbers.tobytes())
                    left -= numbers.nbytes
        return digest.hexdigest()


def segment_items(source: object, options: LabelMapOptions, classes: Any = None) -> ImageList:
    """The images of an array, a list or a data set with their label maps.

    Args:
        source: The images.
        options: Meaning of the numbers in the label maps, and perhaps a file of classes.
        classes: Names of the classes where nothing else tells.

    Raises:
        DataError: There are no label maps, or nothing names their classes.
    """
    data = as_data(source)
    store = store_of(data)
    found = options.classes and read_classes(options.classes)
    names = (found and found.names) or _in_order(names_of(data), source) or classes
    if data.label_maps is None:
        [first] = scan(store.subset(np.arange(1)), _is_map).told
        if first is False:
            raise DataError(f"{store.name(0)} of {store.called} has no label map: {WAYS}.")
    if names is None:
        raise DataError(
            f"nothing names the classes of {described(source)}: give "
            "fcmae.ImageData(..., classes=[...]), one name per number, or "
            f"{option('labels.classes')}."
        )
    names = checked_classes([str(name) for name in names], described(source))
    named = found or NamedClasses(names=names)
    maps, images = ItemMaps(store=store, given=data.label_maps), ImageList(store=store)
    meaning = looked_at(images, maps, stated(named, options, described(source)))
    if meaning.doubt:
        raise DataError(f"{described(source)}: {meaning.doubt}.")
    return ImageList(
        store=store,
        classes=names,
        annotations=LabelMapAnnotations.of(maps, meaning),
        notes=meaning.notes,
    )


def _in_order(names: Any, source: object) -> list[str] | None:
    """Names of the classes in the order of their numbers, which must be 0, 1, 2, ..."""
    if not isinstance(names, Mapping):
        return None if names is None else list(names)
    if sorted(names) != list(range(len(names))):
        raise DataError(
            f"the classes of {described(source)} have the numbers {sorted(names)}, but pixels are "
            "numbered 0, 1, 2, ...: give a list of names."
        )
    return [names[number] for number in range(len(names))]


def _is_map(store: ItemStore, index: int) -> bool:
    target = store.target(index)
    return isinstance(target, (Image.Image, np.ndarray, Tensor)) or is_path(target)


def _numbers(target: Any, size: tuple[int, int], colours: ColourTable | None) -> NDArray[np.int32]:
    """The number of each pixel of a label map in any form."""
    if is_path(target):
        return read_label_map(target, size, colours)
    if isinstance(target, Image.Image):
        return numbers_of(target, size, colours)
    if target is NOTHING or not isinstance(target, (np.ndarray, Tensor)):
        got = "nothing" if target is NOTHING else f"of type {type(target).__name__}"
        raise Refused(
            "a label map is an array, tensor or image of whole numbers h w, or a path, but this "
            f"one is {got}"
        )
    array = target.detach().cpu().numpy() if isinstance(target, Tensor) else target
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[2]):
        array = array[0] if array.shape[0] == 1 else array[..., 0]
    return whole_numbers(array, size)
