"""Options of one kind as Python gives them: its dataclass, a mapping of its fields, or nothing."""

import dataclasses
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from fcmae.options.objects import is_object, summary

Kind = TypeVar("Kind")


def options_from(kind: type[Kind], given: Any, name: str, *, others: str = "") -> Kind:
    """The options of a kind, converted and checked as the functions of ``fcmae`` do it.

    Args:
        kind: The dataclass, which has a default for every field.
        given: One of its instances, which is returned as it is; a mapping, which changes what it
            names; or None for the defaults.
        name: The parameter's, for messages.
        others: What else the parameter takes, for messages.

    Raises:
        ValueError: It is something else, or has a field that is unknown or wrong.
    """
    if given is None:
        return kind()
    if isinstance(given, kind):
        return given
    if not isinstance(given, Mapping):
        whole = dataclasses.is_dataclass(given) or is_object(given)
        shown = summary(given) if whole else repr(given)
        fields = ", ".join(field.name for field in dataclasses.fields(kind))  # type: ignore[arg-type]
        or_others = f", or {others}" if others else ""
        raise ValueError(
            f"{name} is {shown}, but must be a fcmae.{kind.__name__} or a mapping of its fields "
            f"({fields}){or_others}."
        )
    from fcmae.options.keywords import keyword_values
    from fcmae.options.parse import build

    holder = _holder(kind, name)  # type: ignore[arg-type]  # a class can be hashed
    made: Kind = getattr(build(holder, keyword_values({name: given}, holder)), name)
    return made


@cache
def _holder(kind: type[Any], name: str) -> type[Any]:
    """A dataclass of this one group, so that messages name its options by dotted names."""
    group = (name, kind, dataclasses.field(default=kind()))
    return dataclasses.make_dataclass("Options", [group], frozen=True, kw_only=True)
