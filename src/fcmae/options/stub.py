"""Text of a stub file (.pyi) for functions whose keywords are the fields of dataclasses."""

import dataclasses
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from fcmae.options.fields import parts_of
from fcmae.options.signatures import REQUIRED, Keyword, docstring_of, keywords_of


@dataclasses.dataclass(frozen=True, kw_only=True)
class Function:
    """One function.

    Attributes:
        options: The dataclass of its keywords.
        result: The type of what it returns.
    """

    options: type
    result: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class FunctionFamily:
    """A function whose first argument chooses among several.

    Attributes:
        doc: Its docstring.
        parameter: Name of the first argument.
        members: The functions by the word that chooses them.
        default: The word taken where none is given; None where one must be.
    """

    doc: str
    parameter: str
    members: Mapping[str, Function]
    default: str | None


class Stub:
    """The stub of a module; types are imported as they are met.

    Args:
        doc: Docstring of the module.
        public: The module and name to import a type by, in place of its own module and name.
    """

    def __init__(
        self, doc: str, public: Mapping[tuple[str, str], tuple[str, str]] | None = None
    ) -> None:
        self._doc = doc
        self._public = public or {}
        self._imports: dict[str, set[str]] = {}
        self._homes: dict[str, str] = {}
        self._body: list[str] = []

    def __str__(self) -> str:
        imports = []
        for module, names in sorted(self._imports.items()):
            lines = [f"    {name}," for name in sorted(names)]
            imports += [f"from {module} import (", *lines, ")"]
        return "\n".join([f'"""{self._doc}"""', "", *imports, *self._body]) + "\n"

    def pass_on(self, module: str, names: str) -> None:
        """Adds names of another module as its own: ``A as B``."""
        self._imports.setdefault(module, set()).add(names)

    def function(self, name: str, function: Function) -> None:
        """Adds a function."""
        self._body += ["", *self._function(name, function)]

    def family(self, name: str, family: FunctionFamily) -> None:
        """Adds a function with overloads, and its members as attributes."""
        kind = f"_{name.capitalize()}"
        lines = [f"class {kind}:", *_indented(_docstring(family.doc))]
        overload = self._from("typing", "overload")
        for word, function in family.members.items():
            first = f"{self.type(Literal[word])} | {self.type(function.options)}"
            default = f' = "{word}"' if word == family.default else ""
            head = ["self", f"{family.parameter}: {first}{default}", "*"]
            lines += [
                "",
                *_indented([f"@{overload}", *self._def("__call__", head, function, "...")]),
            ]
        for word, function in family.members.items():
            lines += ["", *_indented(["@staticmethod", *self._function(word, function)])]
        self._body += ["", *lines, "", f"{name}: {kind}"]

    def _function(self, name: str, function: Function) -> list[str]:
        head = [f"options: {self.type(function.options | None)} = None", "/", "*"]
        doc = _docstring(docstring_of(function.options, function.result, width=88))
        return [*self._def(name, head, function), *_indented(doc)]

    def _def(self, name: str, head: list[str], function: Function, body: str = "") -> list[str]:
        config = f"config: {self._from('fcmae.options.signatures', 'Config')} = ()"
        keywords = [self._keyword(keyword) for keyword in keywords_of(function.options)]
        lines = [f"    {parameter}," for parameter in [*head, config, *keywords]]
        end = f") -> {self.type(function.result)}:"
        return [f"def {name}(", *lines, f"{end} {body}".rstrip()]

    def _keyword(self, keyword: Keyword) -> str:
        if keyword.objects is None:
            hint = self.type(keyword.hint)
        else:
            hint = self._from(*keyword.objects.alias.rsplit(".", 1))
            hint += " | None" * (type(None) in parts_of(keyword.hint))
        return f"{keyword.name}: {hint} = {_default(keyword.default)}"

    def type(self, hint: Any) -> str:
        """A type as the stub writes it."""
        if hint is type(None):
            return "None"
        if get_origin(hint) is Literal:
            return f"{self._from('typing', 'Literal')}[{', '.join(map(_quoted, get_args(hint)))}]"
        if len(parts := parts_of(hint)) > 1:
            return " | ".join(map(self.type, parts))
        if (origin := get_origin(hint)) is not None:
            inside = ["..." if arg is ... else self.type(arg) for arg in get_args(hint)]
            return f"{self._named(origin)}[{', '.join(inside)}]"
        return self._named(hint)

    def _named(self, kind: Any) -> str:
        if kind is Any:
            return self._from("typing", "Any")
        if kind.__module__ == "builtins":
            return str(kind.__name__)
        module = "pathlib" if kind is Path else kind.__module__
        return self._from(module, kind.__name__)

    def _from(self, module: str, name: str) -> str:
        """A name imported from a module, under another where a module before has it too."""
        module, name = self._public.get((module, name), (module, name))
        home = self._homes.setdefault(name, module)
        own = name if home == module else f"{module.split('.')[-2].capitalize()}{name}"
        self.pass_on(module, name if own == name else f"{name} as {own}")
        return own


def _docstring(text: str) -> list[str]:
    """The lines of a docstring between its quotes."""
    first, *others = text.replace("\\", "\\\\").rstrip().splitlines()
    return [f'"""{first}"""'] if not others else [f'"""{first}', *others, '"""']


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (textwrap.indent(line, " " * 4) for line in lines)


def _default(value: Any) -> str:
    simple = value is None or isinstance(value, (bool, int, float, str))
    several = isinstance(value, tuple) and len(value) < 5
    return _quoted(value) if value is not REQUIRED and (simple or several) else "..."


def _quoted(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
