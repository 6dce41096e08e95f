"""Gathers sound objects, and counts what a person would want to know about them."""

from collections import Counter
from typing import Any

from fcmae.data.objects.rows import BoxCorners, ObjectRow
from fcmae.data.objects.rules import LabelRules
from fcmae.data.objects.sound import SoundObject, sound_object

BESIDE = "boxes beside their image, left out"
CUT = "boxes that left their image, cut off at its border"
NO_AREA = "areas that are not above 0 or contradict their box, counted anew"
AREA_SLACK = 1.5
"""How much larger than its box an area may be, and ten pixels: writers round in many ways."""

REPEATED = "objects that are repeated exactly (same image, class and box)"


class Gathering:
    """Sound objects in the order they are found, and notes about them.

    Args:
        rules: What becomes of labels that may be taken in several ways.
    """

    def __init__(self, rules: LabelRules) -> None:
        self.rules = rules
        self.rows: list[ObjectRow] = []
        self._first: dict[str, str] = {}
        self._counts = Counter[str]()
        self._seen: set[int] = set()

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes, those of single places with their number and the first of them."""
        return tuple(
            f"{what}: {self._counts[what]:,} (the first: {where})" if where else what
            for what, where in self._first.items()
        )

    def note(self, what: str, where: str = "") -> None:
        """Count something that is no fault of the labels; the first place is told."""
        self._first.setdefault(what, where)
        self._counts[what] += 1

    def add(
        self,
        image: int,
        label: int,
        box: BoxCorners,
        size: tuple[int, int],
        *,
        where: str,
        crowd: bool = False,
        outline: Any = None,
        area: float | None = None,
        clip: bool = False,
    ) -> str | None:
        """Take in an object, or say what is wrong with its box or outline.

        Args:
            image: Place of its image.
            label: Index of its class.
            box: Left, top, right and bottom in pixels.
            size: Height and width of its image.
            where: File and place in it.
            crowd: Whether it is a region of many objects.
            outline: COCO segmentation.
            area: Pixels inside, as the labels tell.
            clip: Cut it off at the border of the image.
        """
        crowd = crowd and not self.rules.crowds
        found = sound_object(box, outline, size, crowd=crowd, clip=clip)
        if not isinstance(found, SoundObject):
            if found is None:
                self.note(BESIDE, where)
            return found
        if clip:
            self.note(CUT, where)
            area = None
        if area is not None and not _fits(area, found.box):
            self.note(NO_AREA, where)
            area = None
        key = hash((image, label, found.box))
        if key in self._seen:
            self.note(REPEATED, where)
        self._seen.add(key)
        self.rows.append(
            ObjectRow.of(
                image, label, found.box, size, crowd=crowd, outline=found.outline, area=area
            )
        )
        return None


def _fits(area: float, box: BoxCorners) -> bool:
    """True if an object of this area could be in a box: no larger, and a pixel or more."""
    left, top, right, bottom = box
    whole = (right - left) * (bottom - top)
    return 0 < area <= AREA_SLACK * whole + 10 and area >= min(1.0, whole)
