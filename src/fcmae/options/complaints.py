"""Error texts for options: rule, value received, way out."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from fcmae.flags import list_of_options, option
from fcmae.options.fields import Field, fields_of, groups_of, parts_of
from fcmae.options.suggest import did_you_mean

WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    type(None): "null",
}
NUMBERS = {2: "two", 3: "three", 4: "four"}


def describe(hint: Any) -> str:
    """A type in the words of a message: ``a whole number or null``."""
    if hint in WORDS:
        return WORDS[hint]
    args = get_args(hint)
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, args))}"
    if get_origin(hint) is tuple and args[-1] is not ...:
        kind = describe(args[0]).removeprefix("a ")
        return f"{NUMBERS.get(len(args), len(args))} {kind}s such as [{_example(args)}]"
    if get_origin(hint) in (tuple, list):
        return f"one or more values, each {describe(args[0])}"
    return " or ".join(describe(part) for part in args)


def accepted(field: Field) -> str:
    """Describes accepted values for a message: ``a path, or an array n h w c``."""
    told = describe(field.hint)
    return told if field.objects is None else f"{told}, or {field.objects.words}"


def unknown(
    name: str, options: type, *, kind: Literal["flag", "key", "keyword"] = "keyword"
) -> ValueError:
    """The error for an option that the command does not have.

    Args:
        name: Its name.
        options: Those that there are.
        kind: How it was given: as a flag, as a key in a config, or as a keyword in Python.
    """
    flag, fields = kind == "flag", fields_of(options)
    dashes = "--" if flag else ""
    if name in groups_of(options):
        members = [f"{dashes}{key}" for key, field in fields.items() if field.group == name]
        return ValueError(f"{dashes}{name} is a group of options: {', '.join(members)}.")
    own = ("config", "json", "print-config", "help") if flag else ()
    hint = did_you_mean(name, [*fields, *own], prefix=dashes)
    group = name.rpartition(".")[0]
    inside = ", ".join(n.rpartition(".")[2] for n, field in fields.items() if field.group == group)
    listed = list_of_options(f"{group} has {inside}." if group and inside else "")
    word = "key" if kind == "key" else "option"
    return ValueError(f"there is no {word} {dashes}{name}.{hint or f' {listed}'}")


def wrong_value(error: Exception, options: type, values: Mapping[str, Any]) -> ValueError:
    """A parser's error in one line: the option, what it got, what it takes."""
    match = re.search(r'Parser key "([\w.]+)"', str(error))
    if match is None or match[1] not in values:
        return ValueError(" ".join(str(error).split()))
    name, field = match[1], fields_of(options)[match[1]]
    choices = _choices(field.hint)
    words = [word for word in re.findall(r"[\w-]+", values[name]) if word not in choices]
    close = did_you_mean(words[0], choices) if words else ""
    return ValueError(
        f"{name} is {_as_typed(values[name])!r}, but must be {accepted(field)}.{close}"
    )


def missing(options: type, values: Mapping[str, Any]) -> ValueError | None:
    """The error for options that must be given and are not, if there are any."""
    absent = [field for field in fields_of(options).values() if _is_absent(field, values)]
    if not absent:
        return None
    names = " and ".join(option(field.name) for field in absent)
    return ValueError(f"{names} must be given. {absent[0].name}: {absent[0].help}")


def _as_typed(text: str) -> str:
    """The text of an option as a user wrote it: several values without the parser's quotes."""
    try:
        values = json.loads(text)
    except ValueError:
        return text
    quoted = isinstance(values, list) and all(isinstance(value, str) for value in values)
    return " ".join(values) if quoted else text


def _choices(hint: Any) -> list[str]:
    """The names that a type allows, alone or in a list."""
    if get_origin(hint) is Literal:
        return [str(choice) for choice in get_args(hint)]
    inside = get_args(hint) if get_origin(hint) is list else parts_of(hint)
    return [choice for part in inside if part is not hint for choice in _choices(part)]


def _is_absent(field: Field, values: Mapping[str, Any]) -> bool:
    return field.required and field.name not in values


def _example(args: tuple[Any, ...]) -> str:
    return ",".join("0.9" if arg is float else "224" for arg in args)
