"""What the recorded options of a run mean, whichever way they were said."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from fcmae.cli.options.fields import accepts, defaults_of, fields_of, plain
from fcmae.cli.options.parse import build, keyword_values
from fcmae.engine.resume import Record, flat


@runtime_checkable
class SpeltOut(Protocol):
    """Options of which some are left open, for others to decide."""

    def spelt_out(self) -> Any:
        """The same with a value for each option whose value the others decide."""


def meaning_of(kind: type) -> Callable[[Record, Record], tuple[Record, Record]]:
    """Makes the values that two runs of a command go by, by dotted name, of what they recorded.

    Options that a record lacks have their default. Where one of them is not of this version's
    options, both are taken literally.
    """

    def meaning(one: Record, other: Record) -> tuple[Record, Record]:
        try:
            return _meant(one, kind), _meant(other, kind)
        except (ValueError, TypeError):
            return {**defaults_of(kind), **flat(one)}, {**defaults_of(kind), **flat(other)}

    return meaning


def _meant(record: Record, kind: type) -> Record:
    options: Any = build(kind, keyword_values(record, kind))
    said = options.spelt_out() if isinstance(options, SpeltOut) else options
    values = flat(plain(said))
    return {name: _as_sides(values[name], field.hint) for name, field in fields_of(kind).items()}


def _as_sides(value: Any, hint: Any) -> Any:
    """Height and width, where an option takes these or the side of a square."""
    is_side = isinstance(value, int) and not isinstance(value, bool)
    return [value, value] if is_side and accepts(hint, tuple) else value
