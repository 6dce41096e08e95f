"""How messages write an option: as a flag on the command line, as a keyword everywhere else."""

import ast
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WORDS = {"true": True, "false": False, "null": None}

_STYLES = ["keywords"]
"""How options are written, the innermost last. All threads share it."""


@contextmanager
def written_as_flags() -> Iterator[None]:
    """Write options as flags inside: around all that a command line does."""
    _STYLES.append("flags")
    try:
        yield
    finally:
        _STYLES.pop()


def option(name: str, value: str = "") -> str:
    """An option as one gives it: ``--run.resume false``, or ``run={"resume": False}``.

    Args:
        name: Its dotted name.
        value: Its value as a command line has it. Without one, the option is named alone:
            ``--out`` or ``out=``, ``--run.seed`` or ``run={"seed": ...}``.
    """
    if _STYLES[-1] == "flags":
        return f"--{name} {value}".rstrip()
    group, _, key = name.rpartition(".")
    said = _as_python(value) if value else ""
    return f'{group}={{"{key}": {said or "..."}}}' if group else f"{key}={said}"


def list_of_options(members: str = "") -> str:
    """A sentence that says where all options are listed.

    Args:
        members: Those of the group in question, if it is one.
    """
    if _STYLES[-1] == "flags":
        return "--help all lists them."
    return members or "help() of the function lists them."


def _as_python(value: str) -> str:
    """The text of a value as Python writes it: numbers, True, False and None bare."""
    if value in WORDS:
        return repr(WORDS[value])
    try:
        found: Any = ast.literal_eval(value)
    except (ValueError, SyntaxError):
        return json.dumps(value)
    return value if isinstance(found, (int, float)) else json.dumps(value)
