"""From a source of Python to a list of images."""

import numpy as np

from fcmae.data.image_list import ImageList
from fcmae.data.items.classes import with_classes
from fcmae.data.items.held import Held
from fcmae.data.items.store import ItemStore
from fcmae.data.options import Loader
from fcmae.data.source import ImageData, described, is_stream
from fcmae.errors import DataError


def find_items(source: object, *, labels: bool | None, loader: Loader | None = None) -> ImageList:
    """The images of an array, a list, a data set or ``ImageData``.

    Args:
        source: The images; a pair is (images, labels).
        labels: Whether every image must have a class. None takes classes where all images have one.
        loader: How many processes read the items of a data set for their classes.

    Raises:
        DataError: There are no images, or not as asked for.
    """
    data = as_data(source)
    store = store_of(data)
    if labels is False:
        return ImageList(store=store)
    return with_classes(data, store, needed=bool(labels), loader=loader)


def as_data(source: object) -> ImageData:
    """The images of a source, and what was given with them.

    Raises:
        DataError: The source is none of images, or a stream.
    """
    if isinstance(source, ImageData):
        return source
    if is_stream(source):
        raise DataError(
            f"{described(source)} has no items by number, which only pre-training and contrastive "
            "learning can do without: give an array, a list, or a data set with a length."
        )
    try:
        if isinstance(source, tuple) and len(source) == 2:
            return ImageData(source[0], labels=source[1])
        return ImageData(source)  # type: ignore[arg-type]  # checks it
    except ValueError as error:
        raise DataError(f"{error}") from error


def store_of(data: ImageData) -> ItemStore:
    """The items of a source, all of them in their order."""
    return ItemStore(
        held=Held(data.images),
        indices=np.arange(len(data), dtype=np.int64),
        names=None if data.names is None else tuple(map(str, data.names)),
    )
