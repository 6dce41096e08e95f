"""Numbers in files that anybody may have written."""

import math
from typing import Any


def numbers(values: Any, count: int) -> list[float] | None:
    """So many finite numbers, or None if the values are anything else."""
    if not isinstance(values, list) or len(values) != count:
        return None
    if not all(type(value) in (int, float) for value in values):
        return None  # a truth value is no number
    try:
        found = [float(value) for value in values]
    except OverflowError:
        return None
    return found if all(map(math.isfinite, found)) else None
