"""The options of a command, read off its dataclass: names, types, defaults and help."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from functools import cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import docstring_parser

from fcmae.options.objects import FromPython, split_hint


@dataclasses.dataclass(frozen=True, kw_only=True)
class Field:
    """One option: a flag, a YAML key and a keyword argument at once.

    Attributes:
        name: Dotted, as in ``optim.epochs``.
        hint: The type that its value must have, as far as text can say it.
        default: Its value when left out; ``dataclasses.MISSING`` where it must be given.
        help: What it does, from the string under the field.
        objects: The objects of Python that it takes beside that, if any.
    """

    name: str
    hint: Any
    default: Any
    help: str
    objects: FromPython | None = None

    @property
    def required(self) -> bool:
        """True if the option has no default."""
        return self.default is dataclasses.MISSING

    @property
    def group(self) -> str:
        """The part before the dot, or nothing."""
        return self.name.rpartition(".")[0]


@cache
def fields_of(options: type) -> dict[str, Field]:
    """Every option of a command by its dotted name: required ones, others, and groups."""
    return {field.name: field for field in _walk(options, "", dataclasses.MISSING)}


def groups_of(options: type) -> dict[str, str]:
    """The groups of a command's options, each with the first line of its docstring."""
    hints = get_type_hints(options)
    return {
        field.name: _sentence(hints[field.name])
        for field in _ordered(options)
        if dataclasses.is_dataclass(hints[field.name])
    }


def defaults_of(options: type) -> dict[str, Any]:
    """The default of every option that has one, by its dotted name."""
    fields = fields_of(options).values()
    return {field.name: plain(field.default) for field in fields if not field.required}


def nested(options: Any) -> dict[str, Any]:
    """A dataclass as the nested plain values that YAML and JSON can hold.

    Objects that only Python can give become the text that describes them.
    """
    kind: type = type(options)
    values = {f.name: getattr(options, f.name) for f in _ordered(kind)}
    for name, objects in _objects_of(kind).items():
        if objects.fits(values[name]):
            values[name] = objects.record(values[name])
    return {name: plain(value) for name, value in values.items()}


@cache
def _objects_of(options: type) -> dict[str, FromPython]:
    """The fields that take objects of Python."""
    hints = get_type_hints(options, include_extras=True)
    split = {field.name: split_hint(hints[field.name])[1] for field in dataclasses.fields(options)}
    return {name: objects for name, objects in split.items() if objects is not None}


def plain(value: Any) -> Any:
    """A value as YAML and JSON write it: lists for tuples, text for paths, null for NaN."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return nested(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


def parts_of(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a type: the members of a union, or the type alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def accepts(hint: Any, kind: type) -> bool:
    """True if a type, or one of the alternatives of a union, is of this kind."""
    return kind in {get_origin(part) or part for part in parts_of(hint)}


def takes_any_number(hint: Any) -> bool:
    """True if a type, or one of a union without a number, is a tuple of any length."""
    single = accepts(hint, int) or accepts(hint, float)
    return not single and any(
        get_origin(part) is tuple and Ellipsis in get_args(part) for part in parts_of(hint)
    )


def _walk(options: type, prefix: str, defaults: Any) -> Iterator[Field]:
    hints, helps = get_type_hints(options, include_extras=True), _helps(options)
    for field in _ordered(options):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if defaults is not dataclasses.MISSING:
            default = getattr(defaults, field.name)
        (hint, objects), name = split_hint(hints[field.name]), prefix + field.name
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            yield from _walk(hint, f"{name}.", default)
        else:
            told = helps.get(field.name, "")
            yield Field(name=name, hint=hint, default=default, help=told, objects=objects)


@cache
def _ordered(options: type) -> list[dataclasses.Field[Any]]:
    """The fields, whichever class of a hierarchy has them: required ones, others, and groups."""
    hints = get_type_hints(options)

    def place(field: dataclasses.Field[Any]) -> int:
        if dataclasses.is_dataclass(hints[field.name]):
            return 2
        return int((field.default, field.default_factory) != (dataclasses.MISSING,) * 2)

    return sorted(dataclasses.fields(options), key=place)


def _helps(options: type) -> dict[str, str]:
    """The string under each field, where several classes have one that of the most derived."""
    kinds = (kind for kind in reversed(options.__mro__) if dataclasses.is_dataclass(kind))
    described = (docstring_parser.parse_from_object(kind).params for kind in kinds)
    told = ((param.arg_name, param.description) for params in described for param in params)
    return {name: " ".join(text.split()) for name, text in told if text}


def _sentence(options: Any) -> str:
    return str(options.__doc__ or "").strip().splitlines()[0]
