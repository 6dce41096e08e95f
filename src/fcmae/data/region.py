"""Regions of a picture that views show, chosen before the picture is decoded.

Coordinates are those of the upright picture at full size, whatever size it is decoded at.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

RegionBox = tuple[float | int, float | int, float | int, float | int]
"""Left, top, right and bottom of a region, in pixels, not necessarily whole ones."""

REDUCTIONS = (8, 4, 2)
"""How many times smaller libjpeg decodes at hardly any cost, and Pillow offers."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """One part of a picture, and what becomes of it.

    Attributes:
        box: Where it lies.
        size: Height and width that it is resized to.
        flip: Whether it is mirrored left to right afterwards.
        context: Whether the pixels around the box have a share in its border, as when the picture
            is resized before the region is cut out.
    """

    box: RegionBox
    size: tuple[int, int]
    flip: bool = False
    context: bool = False


def reduction(regions: Sequence[Region]) -> int:
    """Largest factor by which a picture may be reduced without enlarging any region.

    One number for all of them, since they share one decoded picture.
    """
    room = min(_room(region) for region in regions)
    return next((factor for factor in REDUCTIONS if factor <= room), 1)


def _room(region: Region) -> float:
    left, top, right, bottom = region.box
    height, width = region.size
    return 1.0 if region.context else min((right - left) / width, (bottom - top) / height)


def aligned(region: Region, height: int, width: int) -> Region:
    """The region with its edges on pixels that a reduced picture has too.

    So nothing is lost but detail if it is decoded smaller. An edge moves by half a pixel of the
    view at most; halves are rounded up, all of them, so that no side falls short of the view's.
    """
    factor = reduction([region])
    left, top, right, bottom = (edge * factor for edge in reduced(region.box, factor))
    return replace(region, box=(left, top, min(right, width), min(bottom, height)))


def reduced(box: RegionBox, factor: int) -> tuple[int, int, int, int]:
    """The same box in a picture that is so many times smaller, to the nearest whole pixels."""
    left, top, right, bottom = (math.floor(edge / factor + 0.5) for edge in box)
    return left, top, right, bottom


def as_stored(region: Region, orientation: int, height: int, width: int) -> Region:
    """The region in the picture as its file has it, not yet upright, and not yet flipped.

    Args:
        region: In the upright picture.
        orientation: As in EXIF, 1 to 8.
        height: Of the upright picture.
        width: Of the upright picture.
    """
    left, top, right, bottom = region.box
    if orientation in (2, 3, 6, 7):
        left, right = width - right, width - left
    if orientation in (3, 4, 7, 8):
        top, bottom = height - bottom, height - top
    if orientation in (5, 6, 7, 8):
        rows, columns = region.size
        return Region(box=(top, left, bottom, right), size=(columns, rows))
    return Region(box=(left, top, right, bottom), size=region.size)
