"""What ``--help`` prints."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from rich.console import Console
from rich.text import Text

from fcmae.options.fields import Field, fields_of, groups_of, parts_of, plain

INDENT = 32
WORDS = {int: "N", float: "X", bool: "true|false", str: "TEXT", Path: "PATH"}
OWN = {
    "--config FILE|RECIPE": "YAML of options, or the name of a recipe of the package. May be given "
    "several times: later ones win, and what is typed wins over all.",
    "--print-config": "Print the resolved options as YAML, for --config, and stop.",
    "--json FILE": "Write the result as JSON; - is standard output, with nothing else on it.",
    "-h, --help": "Print this and stop.",
}


def print_overview(console: Console, commands: Mapping[str, str]) -> None:
    """The commands, each with one line."""
    console.print(Text("fcmae COMMAND --help tells more about a command.\n"))
    console.print(Text("Pre-train ConvNeXt V2 on images of your own, and use what it learned.\n"))
    _print_columns(console, commands.items())
    console.print(Text("\nfcmae --version prints the version. Start with: fcmae demo"))


def print_help(
    console: Console,
    name: str,
    options: type,
    *,
    example: str,
    positional: Sequence[str] = (),
    rest: str | None = None,
) -> None:
    """A command: what it does, an example, and its options by group."""
    fields = fields_of(options)
    needed = [_usage(f, positional) for f in fields.values() if f.required and f.name != rest]
    last = [] if rest is None else ["--", rest.upper()]
    console.print(Text(" ".join(["fcmae", name, *needed, "[options]", *last]), style="bold"))
    console.print(Text(f"\n{_paragraph(options.__doc__ or '')}\n"))
    console.print(Text("Example", style="bold"))
    console.print(Text(f"  {example}"), soft_wrap=True)
    for group, title in {"": "Options", **groups_of(options)}.items():
        console.print(Text(f"\n{group or title}", style="bold"), end="")
        console.print(Text(f"  {title.rstrip('.')}" if group else ""))
        members = [field for field in fields.values() if field.group == group]
        own = OWN.items() if not group else ()
        _print_columns(console, [*((_flag(f), _help(f)) for f in members), *own])


def metavar(hint: Any) -> str:
    """A type as it stands beside a flag."""
    if hint in WORDS:
        return WORDS[hint]
    if get_origin(hint) is Literal:
        choices = "|".join(map(str, get_args(hint)))
        return choices if len(choices) <= 36 else "NAME"
    if get_origin(hint) in (tuple, list):
        args = get_args(hint)
        one = metavar(args[0])
        if get_origin(hint) is list:
            return f"{one} ..."
        return ",".join([one, "..."] if args[-1] is ... else map(metavar, args))
    return "|".join(metavar(part) for part in parts_of(hint) if part is not type(None))


def _usage(field: Field, positional: Sequence[str]) -> str:
    return field.name.upper() if field.name in positional else f"--{_flag(field)[2:]}"


def _flag(field: Field) -> str:
    return f"--{field.name} {metavar(field.hint)}"


def _help(field: Field) -> str:
    names = [c for p in parts_of(field.hint) if get_origin(p) is Literal for c in get_args(p)]
    choices = f" One of {', '.join(names)}." if metavar(field.hint).endswith("NAME") else ""
    if field.required:
        return f"{field.help}{choices} (must be given)"
    default = plain(field.default)
    if isinstance(default, list):
        default = ",".join(map(str, default))
    if default is None:
        return field.help + choices
    shown = str(default).lower() if isinstance(default, bool) else default
    return f"{field.help}{choices} [{shown}]"


def _print_columns(console: Console, rows: Iterable[tuple[str, str]]) -> None:
    """Flags on the left, what they do on the right, wrapped to the width of the terminal."""
    width = max(console.width - INDENT, 40)
    for left, right in rows:
        lines = textwrap.wrap(right, width) or [""]
        if len(left) + 4 > INDENT:
            lines = ["", *lines]
        head = Text(f"  {left}".ljust(INDENT), style="cyan")
        console.print(head.append(lines[0], style="default"), soft_wrap=True)
        for line in lines[1:]:
            console.print(Text(" " * INDENT + line), soft_wrap=True)


def _paragraph(doc: str) -> str:
    paragraphs = doc.strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
