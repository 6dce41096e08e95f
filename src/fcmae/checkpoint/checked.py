"""Checks of JSON values: each returns the value as Python has it, None for null, or raises."""

import math
from collections.abc import Mapping
from typing import Any

LONGEST = 80
"""Characters of a value that a message shows."""


def mapping(name: str, value: Any) -> dict[str, Any]:
    """A mapping by names."""
    if not isinstance(value, Mapping):
        raise _wrong(name, value, "must be a JSON object")
    return dict(value)


def mappings(name: str, value: Any) -> tuple[dict[str, Any], ...] | None:
    """Several mappings."""
    return None if value is None else tuple(mapping(name, one) for one in _listed(name, value))


def text(name: str, value: Any) -> str | None:
    """A text."""
    if value is None or isinstance(value, str):
        return value
    raise _wrong(name, value, "must be text")


def whole(name: str, value: Any, *, least: int | None = 0) -> int | None:
    """A whole number, of at least ``least``."""
    if value is None:
        return None
    if type(value) is not int or (least is not None and value < least):
        bound = "" if least is None else f" of at least {least}"
        raise _wrong(name, value, f"must be a whole number{bound}")
    return value


def share(name: str, value: Any) -> float | None:
    """A share from 0 up to, but without, 1."""
    if value is None:
        return None
    [found] = numbers(name, [value]) or (0.0,)
    if not 0 <= found < 1:
        raise _wrong(name, value, "must lie in [0, 1)")
    return found


def number(name: str, value: Any) -> float | None:
    """A number, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(name, value, "a number")
    return float(value)


def numbers(name: str, value: Any, *, positive: bool = False) -> tuple[float, ...] | None:
    """One or more finite numbers."""
    if value is None:
        return None
    found = _listed(name, value)
    for x in found:
        finite = type(x) in (int, float) and math.isfinite(x)
        if not finite or (positive and x <= 0):
            raise _wrong(name, value, f"must be finite numbers{' above 0' * positive}")
    if not found:
        raise _wrong(name, value, "must have a number for each channel")
    return tuple(map(float, found))


def sides(name: str, value: Any) -> tuple[int, int] | None:
    """Height and width in pixels."""
    if value is None:
        return None
    match _listed(name, value):
        case [int() as height, int() as width] if height > 0 and width > 0:
            return height, width
    raise _wrong(name, value, "must be a height and a width of at least 1 pixel")


def identifiers(name: str, value: Any) -> tuple[int, ...] | None:
    """Whole numbers of any sign."""
    if value is None:
        return None
    found = _listed(name, value)
    if any(type(x) is not int for x in found):
        raise _wrong(name, value, "must be whole numbers")
    return tuple(found)


def names(name: str, value: Any) -> tuple[str, ...] | None:
    """Texts, of which no two are the same."""
    if value is None:
        return None
    found = _listed(name, value)
    if any(not isinstance(x, str) for x in found):
        raise _wrong(name, value, "must be texts")
    if len(set(found)) < len(found):
        twice = next(x for x in found if found.count(x) > 1)
        raise ValueError(f"its {name} has {twice!r} twice, but each must stand once")
    return tuple(found)


def _listed(name: str, value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple)):
        raise _wrong(name, value, "must be a JSON array")
    return list(value)


def _wrong(name: str, value: Any, rule: str) -> ValueError:
    shown = repr(value)
    short = shown if len(shown) <= LONGEST else f"{shown[:LONGEST]}..."
    return ValueError(f"its {name} is {short}, but {rule}")
