"""From a command line, configs or keyword arguments to checked options, all by one road.

Everything becomes ``name=text`` first. What the text means is decided by the type of the field;
jsonargparse does that conversion. No text can name a class. Objects of Python, which no text can
say, pass as they are where the field takes them (``options/objects.py``).
"""

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, cast

from jsonargparse import ArgumentError, ArgumentParser, set_parsing_settings

from fcmae.flags import option
from fcmae.options.complaints import describe, missing, unknown, wrong_value
from fcmae.options.fields import (
    Field,
    accepts,
    fields_of,
    plain,
    takes_any_number,
)
from fcmae.options.recipes import read_config

set_parsing_settings(import_path_denylist=["*"])

Options = TypeVar("Options")


@dataclasses.dataclass(frozen=True, kw_only=True)
class CommandLine:
    """Words after the name of a command, not yet converted.

    Attributes:
        values: Text of each option by dotted name; configs first, what was typed over them.
        json: Where the result goes as JSON, or None.
        print_config: Whether to print the options instead of running.
        help: The part of the help to print instead of running, empty for its first page; or None.
    """

    values: dict[str, str]
    json: str | None = None
    print_config: bool = False
    help: str | None = None


def read_command_line(
    args: Sequence[str], options: type, *, positional: Sequence[str] = (), rest: str | None = None
) -> CommandLine:
    """Sort the words after a command's name.

    Args:
        args: The words.
        options: The command's options.
        positional: Options that words without dashes belong to.
        rest: The option that takes all words from the first without dashes, or from --, on.
    """
    fields, typed, own = fields_of(options), dict[str, str](), dict[str, str]()
    configs: list[str] = []
    words = list(args)
    while words:
        word = words.pop(0)
        if rest is not None and (word == "--" or not word.startswith("-")):
            typed[rest] = as_text(words if word == "--" else [word, *words], fields[rest])
            break
        left = [name for name in positional if name not in typed]
        if left and not word.startswith("-"):
            words.insert(0, word)
            word = f"--{left[0]}"
        name, text = _name_and_text(word)
        if name == "help":
            topic = words.pop(0) if words and not words[0].startswith("-") else ""
            own[name] = topic if text is None else text
        elif name == "print_config":
            own[name] = ""
        elif name == "config":
            configs.append(_next(words, name) if text is None else text)
        elif name == "json":
            own[name] = _next(words, name) if text is None else text
        elif name in fields:
            field = fields[name]
            typed[name] = _typed(field, words, rest) if text is None else as_text(text, field)
        else:
            raise unknown(name, options, kind="flag")
    values = {} if "help" in own else config_values(configs, options)
    return CommandLine(
        values={**values, **typed},
        json=own.get("json"),
        print_config="print_config" in own,
        help=own.get("help"),
    )


def config_values(configs: Iterable[str], options: type) -> dict[str, str]:
    """The text of every option that the configs set; later ones win."""
    fields, values = fields_of(options), dict[str, str]()
    for config in configs:
        for name, value in read_config(config).items():
            if name not in fields:
                raise ValueError(
                    f"{option('config', config)}: {unknown(name, options, kind='key')}"
                )
            values[name] = as_text(value, fields[name])
    return values


def build(options: type[Options], values: Mapping[str, Any]) -> Options:
    """Convert the text of every option and build the dataclass, which checks itself.

    Args:
        options: The dataclass.
        values: By dotted name, the text of an option, or an object of Python that it takes.
    """
    fields = fields_of(cast(type, options))
    if (absent := missing(options, values)) is not None:
        raise absent
    objects = {name: value for name, value in values.items() if not isinstance(value, str)}
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    return _construct(options, {**_parsed(options, texts, fields), **objects})


def _parsed(
    options: type, values: Mapping[str, str], fields: Mapping[str, Field]
) -> dict[str, Any]:
    """The value of every text, by the type of its field."""
    for name, text in values.items():
        if not text.strip():
            raise ValueError(f"{name} is empty, but must be {describe(fields[name].hint)}.")
    parser = ArgumentParser(exit_on_error=False, default_env=False)
    for name in values:
        parser.add_argument(f"--{name}", type=fields[name].hint)
    try:
        parsed = parser.parse_args([f"--{name}={text}" for name, text in values.items()])
    except ArgumentError as error:
        raise wrong_value(error, options, values) from None
    for name in values:
        _check_finite(name, parsed[name])
    return {name: parsed[name] for name in values}


def _construct(options: type[Options], values: Mapping[str, Any]) -> Options:
    """The dataclass of these values; a group keeps the defaults that the command gives it."""
    groups = {f.name: f.default for f in dataclasses.fields(cast(Any, options))}
    of_group: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        group, _, key = name.rpartition(".")
        of_group.setdefault(group, {})[key] = value
    top = of_group.pop("", {})
    changed = {g: dataclasses.replace(cast(Any, groups[g]), **v) for g, v in of_group.items()}
    return options(**top, **changed)


def as_text(value: Any, field: Field) -> str:
    """A value as the parser takes it: ``[a,b]`` for several, ``null`` for None."""
    value = plain(value)
    if accepts(field.hint, list):
        nothing = value == "null" and accepts(field.hint, type(None))
        if isinstance(value, str) and not value.startswith("[") and not nothing:
            value = [value]
        return value if isinstance(value, str) else json.dumps(value)
    if accepts(field.hint, tuple):
        if isinstance(value, str) and "," in value:
            value = value.strip("()[] ").split(",")
        elif _is_number(value) and takes_any_number(field.hint):
            value = [value]  # the only one
        if isinstance(value, list):
            return f"[{','.join(map(str, value))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _is_number(value: Any) -> bool:
    """True if this is one number, or says one."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not isinstance(value, bool)


def _name_and_text(word: str) -> tuple[str, str | None]:
    if word == "-h":
        return "help", None
    if not word.startswith("--"):
        raise ValueError(f"{word!r} was not expected here: options are written --name value.")
    name, equals, text = word[2:].partition("=")
    return name.replace("-", "_"), text if equals else None


def _next(words: list[str], name: str) -> str:
    if not words or words[0].startswith("--"):
        raise ValueError(f"--{name} needs a value after it.")
    return words.pop(0)


def _typed(field: Field, words: list[str], rest: str | None) -> str:
    """The word or, for a list, the words that follow a flag; a lone switch means true."""
    if accepts(field.hint, bool):
        begins_rest = rest is not None and words[:1] not in (["true"], ["false"])
        if not words or words[0].startswith("--") or begins_rest:
            return "true"
    values = [_next(words, field.name)]
    if not accepts(field.hint, list):
        return as_text(values[0], field)
    while words and not words[0].startswith("--"):
        values.append(words.pop(0))
    return as_text(values if len(values) > 1 else values[0], field)


def _check_finite(name: str, value: Any) -> None:
    numbers = value if isinstance(value, (tuple, list)) else [value]
    if any(isinstance(number, float) and not math.isfinite(number) for number in numbers):
        raise ValueError(f"{name} is {value}, but must be a finite number.")
