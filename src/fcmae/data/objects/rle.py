"""Masks as COCO writes them: runs of pixels down the columns, hidden and visible in turn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

BinaryMask = NDArray[np.bool_]
"""Height x width, True on the object."""


def encode(mask: BinaryMask, *, top: int = 0, left: int = 0, size: tuple[int, int]) -> list[int]:
    """Lengths of the runs of a mask that lies with its corner at (top, left) of an image.

    Args:
        mask: All of the object; it must lie inside the image.
        top: Row of the image at which the mask begins.
        left: Column of the image at which the mask begins.
        size: Height and width of the image.
    """
    height, width = size
    columns = np.pad(mask.T.astype(np.int8), ((0, 0), (1, 1)))
    steps = np.diff(columns, axis=1)
    ends = []
    for step in (1, -1):
        column, row = np.nonzero(steps == step)
        ends.append((left + column) * height + top + row)
    begins, stops = ends
    # A run that reaches the bottom goes on at the top of the next column.
    parted = stops[:-1] != begins[1:]
    begins = begins[np.r_[True, parted]] if len(begins) else begins
    stops = stops[np.r_[parted, True]] if len(stops) else stops
    borders = np.stack([begins, stops], axis=1).reshape(-1)
    lengths: list[int] = np.diff(np.r_[0, borders, height * width]).tolist()
    return lengths if lengths[-1] or len(lengths) == 1 else lengths[:-1]


def decode(counts: Sequence[int], size: tuple[int, int]) -> BinaryMask:
    """The mask of these runs.

    Raises:
        ValueError: The runs are negative, or do not fill the image.
    """
    height, width = size
    lengths = np.asarray(counts, dtype=np.int64)
    if lengths.ndim != 1 or (lengths < 0).any() or lengths.sum() != height * width:
        raise ValueError(f"its runs do not fill an image of {height} x {width} pixels")
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T


def compress(counts: Sequence[int]) -> str:
    """Runs as COCO's short text: differences to the last run but one, five bits a character."""
    text = []
    for i, count in enumerate(counts):
        rest = count - counts[i - 2] if i > 2 else count
        more = True
        while more:
            bits = rest & 0x1F
            rest >>= 5
            more = rest != (-1 if bits & 0x10 else 0)
            text.append(chr(48 + (bits | 0x20 if more else bits)))
    return "".join(text)


def expand(text: str) -> list[int]:
    """The runs of COCO's short text.

    Raises:
        ValueError: The text is none, or ends in the middle of a run.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64 or shift > 60:
            raise ValueError("its runs are not COCO's short text")
        value |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            value -= (1 << shift) if bits & 0x10 else 0
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
            value = shift = 0
    if shift:
        raise ValueError("its runs end in the middle of one")
    return counts


def runs_of(segmentation: dict[str, Any]) -> list[int]:
    """The runs of a COCO segmentation, short text or list."""
    counts = segmentation["counts"]
    return expand(counts) if isinstance(counts, str) else list(counts)
