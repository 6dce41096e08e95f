"""How many pixels of each class label maps show, and how many are ignored."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcmae.data.annotations import IGNORE
from fcmae.data.image_list import ImageList
from fcmae.data.open_file import UnusableImage
from fcmae.data.segments.label_maps import LabelMapAnnotations
from fcmae.errors import DataError
from fcmae.flags import option
from fcmae.randomness import seeded

SOME = 64
"""Label maps that are looked at before a training."""
MANY_IGNORED = 0.05
"""Share of ignored pixels above which a class that no mask shows is told."""


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Pixels of label maps.

    Attributes:
        pixels: How many of each class.
        ignored: How many are ignored.
        masks: In how many label maps.
    """

    pixels: NDArray[np.int64]
    ignored: int
    masks: int

    @property
    def share_ignored(self) -> float:
        """Share of the pixels that are ignored."""
        total = int(self.pixels.sum()) + self.ignored
        return self.ignored / total if total else 0.0


def survey(images: ImageList, most: int | None = SOME) -> Survey:
    """Counts pixels; goes on after ``most`` label maps until two classes are seen.

    Args:
        images: Images with label maps.
        most: How many to look at, spread over all; None for all.
    """
    assert images.annotations is not None
    number = len(images.classes or ())
    pixels, ignored, masks = np.zeros(number, dtype=np.int64), 0, 0
    spread = np.linspace(0, len(images) - 1, min(len(images), most or len(images))).astype(int)
    first: list[int] = np.unique(spread).tolist()
    rest = sorted({*range(len(images))} - {*first})
    for place, index in enumerate([*first, *rest]):
        if place >= len(first) and (pixels > 0).sum() > 1:
            break
        try:
            with seeded(0, "survey", index):
                read = images.annotations.read(index, images.store.size(index))
        except UnusableImage:
            continue
        mask = read["mask"].astype(np.int64)
        masks += 1
        ignored += int((mask == IGNORE).sum())
        pixels += np.bincount(mask[mask >= 0].ravel(), minlength=number)[:number]
    return Survey(pixels=pixels, ignored=ignored, masks=masks)


def something_to_learn(images: ImageList, called: str) -> tuple[str, ...]:
    """Sentences about the pixels to learn from.

    Args:
        images: Images with label maps to train on.
        called: What a message calls them.

    Raises:
        DataError: Their pixels are of one class, or all ignored.
    """
    found, classes = survey(images), images.classes or ()
    shown = np.flatnonzero(found.pixels)
    numbers = _ignored_number(images)
    if found.masks and len(shown) < 2:
        all_of = f"are of class {classes[shown[0]]}" if len(shown) else "are ignored"
        other = f" or ignored ({found.share_ignored:.1%})" if len(shown) and found.ignored else ""
        raise DataError(
            f"all pixels of the masks of {called} {all_of}{other}, so that there is nothing to "
            f"learn. If {numbers} is a class, say so with {option('labels.numbers')}, such as "
            f"0,{numbers}."
        )
    return told(found, classes, numbers)


def told(found: Survey, classes: tuple[str, ...], ignored: int) -> tuple[str, ...]:
    """Sentences about ignored pixels, and classes that no mask shows beside many of them."""
    if found.share_ignored == 0:
        return ()
    masks = f"{found.masks:,} mask{'s' * (found.masks != 1)}"
    said = f"In {masks}, {found.share_ignored:.1%} of the pixels are ignored (number {ignored})"
    absent = [classes[i] for i in np.flatnonzero(found.pixels == 0)]
    if found.share_ignored < MANY_IGNORED or not absent:
        return (f"{said}.",)
    return (
        f"{said}, and none is of class {', '.join(absent[:3])}: if {ignored} means a class, give "
        f"the number of each with {option('labels.numbers')}.",
    )


def _ignored_number(images: ImageList) -> int:
    assert isinstance(images.annotations, LabelMapAnnotations)
    return images.annotations.meaning.ignore_index
