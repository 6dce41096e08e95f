"""Shares of labelled images: to hold out, and to learn from few labels."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fcmae.data.image_list import ImageList
from fcmae.data.image_store import FileStore
from fcmae.errors import DataError
from fcmae.randomness import bits


def hold_out(images: ImageList, share: float, *, called: str = "") -> tuple[ImageList, ImageList]:
    """Set apart a share of each class (of all images, without labels), and at least one image.

    Args:
        images: The images, in whatever order.
        share: Between 0 and 1.
        called: What a message calls images without labels; by default the folder that they are in.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share held out is {share}, but must be strictly between 0 and 1.")
    chosen: list[NDArray[np.int64]] = []
    keys = images.keys()
    for name, members in _groups(images, called):
        if len(members) < 2:
            raise DataError(
                f"{name} has one image, but needs two: one to train on, one to hold out."
            )
        num = min(max(1, round(share * len(members))), len(members) - 1)
        chosen.append(members[np.argsort(keys[members], kind="stable")[:num]])
    held_out = np.sort(np.concatenate(chosen))
    rest = np.setdiff1d(np.arange(len(images)), held_out)
    return images.share(rest), images.subset(held_out)


def few_labels(images: ImageList, per_class: int, seed: int) -> ImageList:
    """So many images of each class, drawn by the seed; a larger number contains the smaller one."""
    if per_class < 1:
        raise ValueError(f"{per_class} images per class were asked for, but one is the least.")
    if images.labels is None:
        raise DataError(f"the images of {images.store.called} have no labels.")
    chosen: list[NDArray[np.int64]] = []
    keys = np.asarray(bits(seed, "few labels", images.keys()))
    for name, members in _groups(images):
        if len(members) < per_class:
            raise DataError(f"{name} has {len(members)} images, but {per_class} were asked for.")
        chosen.append(members[np.argsort(keys[members], kind="stable")[:per_class]])
    return images.share(np.sort(np.concatenate(chosen)))


def _groups(images: ImageList, called: str = "") -> Sequence[tuple[str, NDArray[np.int64]]]:
    if images.labels is None or images.classes is None:
        is_folder = isinstance(images.store, FileStore)
        where = f"the folder {images.store.called}" if is_folder else images.store.called
        return [(called or where, np.arange(len(images)))]
    counts = Counter(images.labels.tolist())
    return [
        (f"class {name!r}", np.flatnonzero(images.labels == index))
        for index, name in enumerate(images.classes)
        if counts[index]
    ]
