"""Units and limits of the types of numbers in image files, as ``fcmae.data.facts`` calls them."""

import numpy as np

from fcmae.data.modes import SIXTEEN_BITS


def is_whole(kind: str) -> bool:
    """Returns whether a type has whole numbers only."""
    return not kind.startswith("float")


def unit(kind: str) -> float:
    """The number of a file that a picture of ``fcmae.data.image`` has as 1."""
    if kind in ("uint8", "bool"):
        return {"uint8": 255.0, "bool": 1.0}[kind]
    return float(SIXTEEN_BITS) if is_whole(kind) else 1.0


def highest(kind: str) -> float | None:
    """The highest number of a type; None for floats."""
    if not is_whole(kind):
        return None
    return 1.0 if kind == "bool" else float(np.iinfo(kind).max)
