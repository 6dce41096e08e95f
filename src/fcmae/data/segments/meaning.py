"""What the numbers or colours of label maps mean, decided once for a whole data set.

Where no option tells, some label maps are looked at: masks of 0 and 255 for two classes are read as
0 and 1, and colours of PASCAL VOC's palette as its numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fcmae.data.annotations import IGNORE
from fcmae.data.open_file import UnusableImage
from fcmae.data.segments.classes import NamedClasses, is_plain
from fcmae.data.segments.colours import ColourTable, voc_palette
from fcmae.data.segments.options import LabelMapOptions
from fcmae.errors import DataError
from fcmae.flags import option

OUTSIDE = -2
"""In a table: a number that no class has."""
NUMBERS = 2**16
"""Numbers that a label map can hold."""
BORDER = 255
"""The number that is ignored where nothing else is said."""
LOOKED_AT = 32
"""Label maps by which their meaning is decided."""
MANY = 12
"""Numbers above which masks are rather pictures than label maps of other numbers."""

ReadMap = Callable[[int, ColourTable | None], NDArray[np.int32]]
"""Reads the numbers of a label map by the index of its image."""


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """Meaning of label maps.

    Attributes:
        classes: Names of the classes.
        numbers: Number of each class; None for 0, 1, 2, ...
        ignore_index: The number of pixels that nobody is judged by.
        reduce_zero_label: Whether 0 is ignored too, and 1 is the first class.
        colours: Number of each colour, for masks that are colours.
        explicit: Whether somebody said which number is ignored.
        notes: Sentences about what was decided.
        doubt: Why the label maps cannot be meant so, where that is known, with the way out.
    """

    classes: tuple[str, ...]
    numbers: tuple[int, ...] | None = None
    ignore_index: int = BORDER
    reduce_zero_label: bool = False
    colours: ColourTable | None = None
    explicit: bool = False
    notes: tuple[str, ...] = ()
    doubt: str = ""

    @property
    def all_numbers(self) -> tuple[int, ...]:
        """The number of each class."""
        first = int(self.reduce_zero_label)
        return self.numbers or tuple(range(first, first + len(self.classes)))

    def table(self) -> NDArray[np.int16]:
        """Lookup table from each number in a label map to its class."""
        table = np.full(NUMBERS, OUTSIDE, dtype=np.int16)
        table[list(self.all_numbers)] = np.arange(len(self.classes))
        if self.reduce_zero_label:
            table[0] = IGNORE
        table[self.ignore_index] = IGNORE
        if self.numbers == (0, BORDER) and self.ignore_index != 1:
            table[1] = 1  # of a file of one bit, which may lie among the others
        return table


def stated(classes: NamedClasses, options: LabelMapOptions, where: str) -> Meaning:
    """The meaning that options and the file of classes tell.

    Raises:
        DataError: There are not as many numbers as classes.
    """
    reduce = bool(options.reduce_zero_label)
    numbers = options.numbers or classes.numbers
    if numbers is not None and len(numbers) != len(classes.names):
        raise DataError(
            f"labels.numbers are {', '.join(map(str, numbers))}, but {where} has "
            f"{len(classes.names)} classes: give each its number, in their order."
        )
    numbers = None if numbers is not None and is_plain(numbers) and not reduce else numbers
    meaning = Meaning(classes=classes.names, numbers=numbers, reduce_zero_label=reduce)
    if options.numbers is not None:
        meaning = replace(meaning, explicit=True)
    ignore = options.ignore_index
    if ignore is None:
        taken = BORDER in meaning.all_numbers
        meaning = replace(meaning, ignore_index=NUMBERS - 1 if taken else BORDER)
    else:
        meaning = replace(meaning, ignore_index=ignore, explicit=True)
    if classes.colours is None:
        return meaning
    return replace(meaning, colours=_table_of(classes.colours, meaning))


def _table_of(colours: Sequence[tuple[int, int, int]], meaning: Meaning) -> ColourTable:
    return ColourTable(tuple(colours), meaning.all_numbers, meaning.ignore_index)


def decided(meaning: Meaning, read: ReadMap, count: int) -> Meaning:
    """The meaning after a look at some label maps.

    Args:
        meaning: What is said.
        read: Reads a label map; ``UnusableImage`` where it cannot be read.
        count: How many there are.
    """
    places = np.unique(np.linspace(0, count - 1, min(count, LOOKED_AT)).astype(int)).tolist()
    meaning = _with_palette(meaning, read, places)
    if meaning.numbers is not None or meaning.reduce_zero_label or meaning.explicit:
        return meaning
    found = [np.unique(one) for one in _maps(read, places, meaning.colours)]
    seen = {int(number) for one in found for number in one}
    names = meaning.classes
    if len(names) == 2 and seen <= {0, BORDER} and BORDER in seen and meaning.colours is None:
        note = (
            f"Masks hold 0 and {BORDER} only, so {BORDER} is read as {names[1]} "
            f"({option('labels.numbers', '0,1')} ignores it)."
        )
        return replace(
            meaning, numbers=(0, BORDER), ignore_index=NUMBERS - 1, notes=(*meaning.notes, note)
        )
    return replace(meaning, doubt=_doubt(meaning, [set(one.tolist()) for one in found]))


def _with_palette(meaning: Meaning, read: ReadMap, places: list[int]) -> Meaning:
    """PASCAL VOC's palette, where there is no other table and all colours are of it."""
    if meaning.colours is not None:
        return meaning
    plain, coloured = 0, list[int]()
    for place in places:
        try:
            read(place, None)
            plain += 1
        except UnusableImage as error:
            if "Lines name,red,green,blue" in error.reason:
                coloured.append(place)
    last = max(meaning.all_numbers)
    if not coloured or last > BORDER:
        return meaning
    palette = voc_palette(last + 1)
    table = _table_of([palette[number] for number in meaning.all_numbers], meaning)
    if len(_maps(read, coloured, table)) < len(coloured):
        return meaning
    note = (
        "Masks are colours of PASCAL VOC's palette, so "
        f"{table.colours[1]} (red, green, blue) is read as {meaning.classes[1]}."
    )
    return replace(meaning, colours=table, notes=(*meaning.notes, note))


def _maps(read: ReadMap, places: list[int], colours: ColourTable | None) -> list[NDArray[np.int32]]:
    """The label maps that can be read."""
    found = []
    for place in places:
        try:
            found.append(read(place, colours))
        except UnusableImage:
            continue
    return found


def _doubt(meaning: Meaning, found: list[set[int]]) -> str:
    """Why no label map can be meant so, with the way out; nothing where one can."""
    known = {*meaning.all_numbers, meaning.ignore_index}
    if len(meaning.classes) == 2 and {1, BORDER} <= set().union(*found) <= {0, 1, BORDER}:
        apart = not any({1, BORDER} <= one for one in found)
        both, one = (option("labels.numbers", f"0,{number}") for number in (BORDER, 1))
        return (
            f"some masks hold 0 and 1, and others 0 and {BORDER}: say {both} if {BORDER} is the "
            f"second class as 1 is, or {one} if nobody is judged by it"
            if apart
            else ""
        )
    seen = sorted(set().union(*found))
    if len(found) < 2 or any(one <= known for one in found) or len(seen) > MANY:
        return ""
    classes, count = ", ".join(meaning.classes[:5]), len(meaning.classes)
    told = ", ".join(map(str, seen))
    reason = f"masks hold the numbers {told}, but the classes are 0 to {count - 1}: "
    if seen[0] >= 1 and seen[-1] == count:
        said = option("labels.reduce_zero_label", "true")
        return f"{reason}say {said} where 1 is {meaning.classes[0]}"
    if len(seen) == count:
        numbers = told.replace(" ", "")
        said = option("labels.numbers", numbers)
        return f"{reason}say {said} if these are {classes} in this order"
    return (
        f"{reason}say the number of each class ({classes}) with {option('labels.numbers')}, and "
        f"the one that nobody is judged by with {option('labels.ignore_index')}"
    )
