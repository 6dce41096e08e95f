"""Signature and docstring of a Python function whose keywords are the fields of a dataclass."""

import dataclasses
import inspect
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, reduce
from operator import or_
from os import PathLike
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from fcmae.options.fields import Field, fields_of, parts_of, plain
from fcmae.options.objects import FromPython, split_hint

Config = str | Path | Sequence[str | Path]
"""A YAML file or the name of a recipe, or several of which later ones win."""

CONFIG = "YAML file or name of a recipe, or several of which later ones win; keywords win over all."
WHOLE = "All options as one dataclass, in place of config; keywords win over its values."


class _Required:
    """The default of a keyword that must be given."""

    def __repr__(self) -> str:
        return "<must be given>"


REQUIRED = _Required()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Keyword:
    """One keyword of a function.

    Attributes:
        name: As it is written.
        hint: The type that type checkers hold it to.
        default: Its default; ``REQUIRED`` where it must be given, by keyword, config or dataclass.
        help: What it does.
        objects: The objects of Python that it takes beside text, if any.
    """

    name: str
    hint: Any
    default: Any
    help: str
    objects: FromPython | None = None

    @property
    def annotation(self) -> Any:
        """The type with a marker for objects, as ``inspect`` shows it."""
        return self.hint if self.objects is None else self.hint | Annotated[object, self.objects]


@cache
def keywords_of(options: type) -> tuple[Keyword, ...]:
    """The keywords that the fields of a dataclass of options are: one for each option or group."""
    hints = get_type_hints(options, include_extras=True)
    return tuple(_keyword(options, field, hints) for field in dataclasses.fields(options))


def signature_of(options: type, result: Any) -> inspect.Signature:
    """The signature of a function that takes the dataclass or its fields."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    first = inspect.Parameter(
        "options", inspect.Parameter.POSITIONAL_ONLY, default=None, annotation=options | None
    )
    config = inspect.Parameter("config", keyword, default=(), annotation=Config)
    others = [
        inspect.Parameter(k.name, keyword, default=k.default, annotation=k.annotation)
        for k in keywords_of(options)
    ]
    return inspect.Signature([first, config, *others], return_annotation=result)


def docstring_of(options: type, result: Any, *, width: int = 96) -> str:
    """The docstring of such a function: what it does, its keywords, its result, its errors."""
    told = {"options": WHOLE, "config": CONFIG}
    told |= {keyword.name: _with_default(keyword) for keyword in keywords_of(options)}
    entries = [_entry(name, text, width) for name, text in told.items()]
    returns = " or ".join(kind.__name__ for kind in parts_of(result))
    return "\n".join(
        [
            inspect.cleandoc(options.__doc__ or ""),
            "\nArgs:",
            *entries,
            "\nReturns:",
            _entry(returns, first_sentence(parts_of(result)[0]), width),
            "\nRaises:",
            "    ValueError: An option is unknown, missing or wrong.",
            "    FcmaeError: Images, weights, memory or another process; its class says which.",
            "",
        ]
    )


def first_sentence(kind: type) -> str:
    """The first line of a class's docstring."""
    return inspect.cleandoc(kind.__doc__ or "").splitlines()[0]


def _keyword(options: type, field: dataclasses.Field[Any], hints: Mapping[str, Any]) -> Keyword:
    hint, objects = split_hint(hints[field.name])
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        members = ", ".join(_members(options, field.name))
        text = f"{first_sentence(hint)} A dataclass or a mapping of: {members}."
        return Keyword(
            name=field.name, hint=hint | Mapping[str, Any] | None, default=None, help=text
        )
    option = fields_of(options)[field.name]
    return Keyword(
        name=field.name,
        hint=hint | PathLike[str] if field.name == "weights" else _widened(hint),
        default=REQUIRED if option.required else option.default,
        help=option.help,
        objects=objects,
    )


def _members(options: type, group: str) -> Iterator[str]:
    """The options of a group, each with its default."""
    for field in fields_of(options).values():
        if field.group == group:
            yield f"{field.name.rpartition('.')[2]} ({_shown(field)})"


def _shown(field: Field) -> str:
    if field.required:
        return "must be given"
    value = plain(field.default)
    return str(tuple(value) if isinstance(value, list) else value)


def _with_default(keyword: Keyword) -> str:
    objects = "" if keyword.objects is None else f" Also {keyword.objects.words}."
    must = " Must be given." if keyword.default is REQUIRED else ""
    return f"{keyword.help}{objects}{must}"


def _entry(name: str, text: str, width: int) -> str:
    return textwrap.fill(
        f"{name}: {text}", width, initial_indent=" " * 4, subsequent_indent=" " * 8,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _widened(hint: Any) -> Any:
    """A type with what is converted to it: text for a path, one value for a list of them."""
    return reduce(or_, (one for part in parts_of(hint) for one in _also(part)))


def _also(part: Any) -> tuple[Any, ...]:
    if part is Path:
        return str, PathLike[str]
    if get_origin(part) is list:
        one: Any = _widened(get_args(part)[0])
        return *parts_of(one), GenericAlias(Sequence, one)
    return (part,)
