"""Classes of items: names and numbers become labels of an image list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.data.image_list import UNKNOWN, ImageList
from fcmae.data.items.held import NOTHING
from fcmae.data.items.scan import scan
from fcmae.data.items.store import ItemStore, sampled
from fcmae.data.options import Loader
from fcmae.data.source import ImageData
from fcmae.errors import DataError

COMPARED = 32
"""Items by which the labels that a data set tells are compared with those that it gives."""

Names = Sequence[str] | Mapping[int, str]
"""Names of classes by number."""
WAYS = (
    "give fcmae.ImageData(images, labels=...), or a data set whose items are (image, class), with "
    "the class as a number or a name"
)


@dataclass(frozen=True, kw_only=True)
class Numbering:
    """Classes, and the numbers that stand for them.

    Attributes:
        classes: Names, in the order of their numbers.
        numbers: Number of each.
    """

    classes: tuple[str, ...]
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, names: Names | None, found: set[int | str]) -> "Numbering":
        """The classes that names tell, or those that were found: numbers, or names by the alphabet.

        Args:
            names: Names by number; None where nobody gave any.
            found: What stands for a class somewhere in the data.

        Raises:
            DataError: Something was found that the names do not tell, or numbers and names both.
        """
        told = sorted(names.items()) if isinstance(names, Mapping) else enumerate(names or ())
        by_number = {int(number): str(name) for number, name in told}
        if names is None:
            if len({isinstance(one, str) for one in found}) > 1:
                raise DataError("some classes are numbers and some are names: give one kind.")
            ordered = sorted(found, key=_by_number)
            by_number = {n if isinstance(n, int) else i: str(n) for i, n in enumerate(ordered)}
        self = cls(classes=tuple(by_number.values()), numbers=tuple(by_number))
        self._check(found)
        return self

    def _check(self, found: set[int | str]) -> None:
        strange = sorted((one for one in found if one not in self._places), key=str)
        if strange:
            counted = strange == [len(self.classes)] and 0 not in found
            hint = " (numbers begin at 0, or give classes={1: ...})" if counted else ""
            raise DataError(
                f"there is a class {strange[0]!r}, but the classes are "
                f"{', '.join(self.classes[:5])}{', ...' if len(self.classes) > 5 else ''}, with "
                f"numbers from {min(self.numbers)} to {max(self.numbers)}{hint}."
            )
        if len(set(self.classes)) < len(self.classes):
            raise DataError("two classes have one name: give each its own.")

    def label(self, one: int | str | None) -> int:
        """Index of a class by its number or name; ``UNKNOWN`` for None."""
        return UNKNOWN if one is None else self._places[one]

    @cached_property
    def _places(self) -> dict[int | str, int]:
        by_number: dict[int | str, int] = {one: i for i, one in enumerate(self.numbers)}
        return by_number | {one: i for i, one in enumerate(self.classes)}


def _by_number(one: int | str) -> tuple[int, str]:
    """Sort key of classes: words first, then numbers, as in a list of labels."""
    return (int(one) if str(one).isdecimal() else -1, str(one))


def is_class(target: object) -> bool:
    """Returns whether a target is a class: a whole number that is not negative, or a name."""
    number = isinstance(target, (int, np.integer)) and not isinstance(target, bool)
    return isinstance(target, str) or (number and int(target) >= 0)  # type: ignore[call-overload]


def names_of(data: ImageData) -> Names | None:
    """Names of the classes, as given or as a data set has them in ``classes``."""
    if data.classes is not None:
        return data.classes
    named = getattr(data.images, "classes", None)
    usable = isinstance(named, (list, tuple)) and named and all(isinstance(n, str) for n in named)
    return list(named) if usable and named is not None else None


def with_classes(
    data: ImageData, store: ItemStore, *, needed: bool, loader: Loader | None = None
) -> ImageList:
    """The items with their classes.

    Args:
        data: Where the classes are from.
        store: Its items.
        needed: Whether it is an error that there are none, or not of all items.
        loader: How many processes read the items where that is needed.

    Raises:
        DataError: There are none, where they are needed; or one is not among the names.
    """
    images = ImageList(store=store)
    if not needed and not is_class(_first_target(data, store)):
        return images
    known = _known(data, store)
    if known is None:
        found = scan(store, _class_of, loader)
        store, known = found.store, found.told
    classes = known
    wrong = next((i for i, one in enumerate(classes) if one is NOTHING or _is_wrong(one)), None)
    if wrong is not None:
        if not needed:
            return images
        one = classes[wrong]
        got = "has no target" if one is NOTHING else f"has the target {one!r:.80}"
        raise DataError(f"{store.name(wrong)} of {store.called} {got}, but needs a class: {WAYS}.")
    plain = [int(one) if isinstance(one, np.integer) else one for one in classes]
    numbering = Numbering.of(names_of(data), {one for one in plain if one is not None})
    labels: NDArray[np.int64] = np.array([numbering.label(one) for one in plain], dtype=np.int64)
    return replace(
        images,
        store=store,
        labels=labels,
        classes=numbering.classes,
    )


def _is_wrong(one: object) -> bool:
    return one is not None and not is_class(one)


def _class_of(store: ItemStore, index: int) -> Any:
    return store.target(index)


def _first_target(data: ImageData, store: ItemStore) -> Any:
    if data.labels is not None:
        return _listed(data.labels)[0]
    [first] = scan(store.subset(np.arange(1)), _class_of).told
    return first


def _known(data: ImageData, store: ItemStore) -> list[Any] | None:
    """The classes where nobody has to read the items for them.

    That is: labels that were given, or the ``targets`` of a data set, as torchvision's have them,
    if nothing changes them on the way and a sample of items agrees.
    """
    if data.labels is not None:
        return _listed(data.labels)
    targets = getattr(data.images, "targets", None)
    if targets is None or not hasattr(targets, "__len__") or len(targets) != len(store):
        return None
    told = _listed(targets)
    if getattr(data.images, "target_transform", None) is not None:
        return None
    some = np.array(sorted({0, *sampled(len(store))[:COMPARED], len(store) - 1}), dtype=np.int64)
    agree = scan(store.subset(some), _class_of).told == [told[i] for i in some]
    return told if agree and all(map(is_class, told)) else None


def _listed(labels: Any) -> list[Any]:
    """Labels as Python's numbers and names."""
    found: list[Any] = labels.tolist() if hasattr(labels, "tolist") else list(labels)
    bare = (one.item() if hasattr(one, "ndim") and one.ndim == 0 else one for one in found)
    return [NOTHING if one is None else one for one in bare]
