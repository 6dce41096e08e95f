"""Commands as Python functions: their options are keyword arguments or one dataclass."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, Union

from fcmae.cli.command import Command
from fcmae.cli.commands import COMMANDS
from fcmae.options.keywords import keyword_values, whole_values
from fcmae.options.parse import build, config_values
from fcmae.options.signatures import Config, docstring_of, first_sentence, signature_of
from fcmae.options.stub import Function, FunctionFamily
from fcmae.options.suggest import did_you_mean

FAMILIES: dict[str, tuple[str, str | None, str]] = {
    "finetune": (
        "task",
        "classify",
        "Trains a model for a task, from weights or from scratch.",
    ),
    "evaluate": (
        "how",
        None,
        "Measures a model, or the features of an encoder, on labelled images.",
    ),
    "predict": ("task", "classify", "Writes what a trained model finds in images."),
    "bench": ("what", "pretrain", "Times training steps, or the reading of images."),
}
"""Functions whose first argument chooses the command: its name, its default, the summary."""


def options_of(command: str, config: Config = (), **options: Any) -> Any:
    """The options of a command as its dataclass, exactly as the command line makes them."""
    kind = COMMANDS[command].options
    configs = [config] if isinstance(config, (str, Path)) else config
    values = config_values(map(str, configs), kind)
    return build(kind, {**values, **keyword_values(options, kind)})


def function(name: str, *, command: str = "") -> Callable[..., Any]:
    """A command as a function, with its signature and docstring.

    Args:
        name: The function's, as it is written after ``fcmae.``.
        command: The command's; by default the same.
    """
    found = COMMANDS[command or name]

    def call(options: Any = None, /, *, config: Config = (), **keywords: Any) -> Any:
        return _run(command or name, options, config, keywords)

    types = types_of(found)
    call.__signature__ = signature_of(types.options, types.result)  # type: ignore[attr-defined]
    return _named(call, name, docstring_of(types.options, types.result))


def family(name: str) -> Callable[..., Any]:
    """Commands of one first word as a function, which has each of them as an attribute too."""
    parameter, default, _ = FAMILIES[name]
    members = members_of(name)

    def call(*chosen: Any, config: Config = (), **keywords: Any) -> Any:
        chosen = chosen or (keywords.pop(parameter, default),)
        if len(chosen) > 1 or chosen[0] is None:
            raise TypeError(f"{name}() takes one of {', '.join(members)}, or an options dataclass.")
        return _choose(name, chosen[0], config, keywords)

    call.__signature__ = _family_signature(name)  # type: ignore[attr-defined]
    for word in members:
        setattr(call, word, function(f"{name}.{word}", command=f"{name} {word}"))
    return _named(call, name, family_doc(name))


def types_of(command: Command) -> Function:
    """The types of a command's function."""
    return Function(options=command.options, result=command.result)


def members_of(name: str) -> dict[str, Command]:
    """The commands of a family by their second word."""
    return {key.split()[1]: c for key, c in COMMANDS.items() if key.startswith(f"{name} ")}


def family_of(name: str) -> FunctionFamily:
    """The types of a family's functions."""
    members = {word: types_of(command) for word, command in members_of(name).items()}
    parameter, default, _ = FAMILIES[name]
    return FunctionFamily(
        doc=family_doc(name), parameter=parameter, members=members, default=default
    )


def family_doc(name: str) -> str:
    """The docstring of a family: its members, each with a line."""
    parameter, _, summary = FAMILIES[name]
    members = members_of(name)
    lines = [f"    {word}: {first_sentence(c.options)}" for word, c in members.items()]
    some = next(iter(members))
    return "\n".join(
        [
            summary,
            f"\nThe {parameter} is one of these, or the options dataclass of one:",
            *lines,
            f"\nThe keywords are those of the one: see ``help(fcmae.{name}.{some})``, which is the "
            f"same\nas ``fcmae.{name}({some!r}, ...)``.",
            "",
        ]
    )


def _family_signature(name: str) -> inspect.Signature:
    parameter, default, _ = FAMILIES[name]
    types = [types_of(command) for command in members_of(name).values()]
    words = Literal[tuple(members_of(name))]  # type: ignore[valid-type]
    kind = inspect.Parameter
    return inspect.Signature(
        [
            kind(
                parameter,
                kind.POSITIONAL_OR_KEYWORD,
                default=kind.empty if default is None else default,
                annotation=Union[(words, *(t.options for t in types))],
            ),
            kind("config", kind.KEYWORD_ONLY, default=(), annotation=Config),
            kind("options", kind.VAR_KEYWORD, annotation=Any),
        ],
        return_annotation=Union[tuple(t.result for t in types)],  # noqa: UP007
    )


def _named(call: Callable[..., Any], name: str, doc: str) -> Callable[..., Any]:
    call.__module__, call.__qualname__, call.__doc__ = "fcmae", name, doc
    call.__name__ = name.rpartition(".")[2]
    parameters = inspect.signature(call)
    annotations = {p.name: p.annotation for p in parameters.parameters.values()}
    call.__annotations__ = {**annotations, "return": parameters.return_annotation}
    return call


def _choose(name: str, chosen: Any, config: Config, keywords: dict[str, Any]) -> Any:
    """Runs the member that a word or an options dataclass chooses."""
    members = members_of(name)
    if isinstance(chosen, str):
        if chosen not in members:
            close = did_you_mean(chosen, members)
            raise ValueError(
                f"there is no {f'{name} {chosen}'!r}: after {name} comes "
                f"{' or '.join(members)}.{close}"
            )
        return _run(f"{name} {chosen}", None, config, keywords)
    for word, command in members.items():
        if type(chosen) is command.options:
            return _run(f"{name} {word}", chosen, config, keywords)
    kinds = ", ".join(command.options.__name__ for command in members.values())
    raise ValueError(
        f"{name} was given {type(chosen).__name__}, but takes {', '.join(members)}, or one of the "
        f"dataclasses {kinds}."
    )


def _run(command: str, options: Any, config: Config, keywords: dict[str, Any]) -> Any:
    if options is None:
        return COMMANDS[command](options_of(command, config, **keywords))
    kind = COMMANDS[command].options
    if type(options) is not kind:
        raise ValueError(
            f"{command} was given {type(options).__name__}, but takes {kind.__name__} or keywords."
        )
    if config:
        raise ValueError(
            f"{kind.__name__} sets every option, so config={config!r} would set none: give one."
        )
    values = {**whole_values(options), **keyword_values(keywords, kind)}
    return COMMANDS[command](build(kind, values))
