"""Compares the recorded options of two runs by their meaning, however they were typed."""

from typing import Any

from fcmae.engine.resume import Meaning, Record, flat
from fcmae.options.fields import accepts, defaults_of, fields_of, plain
from fcmae.options.keywords import keyword_values
from fcmae.options.parse import build
from fcmae.training.options import TrainingOptions
from fcmae.training.resolved_options import resolved
from fcmae.training.start import Start


def meaning_of(kind: type[TrainingOptions[Any]], start: Start | None = None) -> Meaning:
    """Makes the values that two runs of a command go by, by dotted name, of what they recorded.

    Options that a record lacks have their default. Where one of them is not of this version's
    options, both are taken literally.

    Args:
        kind: The command's options.
        start: This start of it, which tells what weights and data decide.
    """

    def meaning(one: Record, other: Record) -> tuple[Record, Record]:
        try:
            return _meant(one, kind, start), _meant(other, kind, start)
        except (ValueError, TypeError):
            return {**defaults_of(kind), **flat(one)}, {**defaults_of(kind), **flat(other)}

    return meaning


def _meant(record: Record, kind: type[TrainingOptions[Any]], start: Start | None) -> Record:
    options = build(kind, keyword_values(record, kind))
    values = flat(plain(resolved(options, start)))
    return {name: _as_sides(values[name], field.hint) for name, field in fields_of(kind).items()}


def _as_sides(value: Any, hint: Any) -> Any:
    """Height and width, where an option takes these or the side of a square."""
    is_side = isinstance(value, int) and not isinstance(value, bool)
    return [value, value] if is_side and accepts(hint, tuple) else value
