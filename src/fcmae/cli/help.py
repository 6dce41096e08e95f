"""Prints ``--help``: a first page of the options that most people need, and the rest by group."""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from rich.console import Console
from rich.text import Text

from fcmae.cli.command import PURPOSES, Command
from fcmae.options.fields import Field, fields_of, groups_of, parts_of, plain
from fcmae.options.suggest import did_you_mean

INDENT = 32
OVERVIEW_INDENT, FIRST_PAGE_INDENT = 23, 24
ALL, UNGROUPED = "all", "options"
WORDS = {int: "N", float: "X", bool: "true|false", str: "TEXT", Path: "PATH"}
OWN = {
    "--config FILE|RECIPE": "YAML of options, or the name of a recipe of the package. May be given "
    "several times: later ones win, and what is typed wins over all.",
    "--print-config": "Print the resolved options as YAML, for --config, and stop.",
    "--json FILE": "Write the result as JSON; - is standard output, with nothing else on it.",
    "-h, --help [GROUP|all]": "Print the first page, a group of options, or all, and stop.",
}


def print_overview(console: Console, commands: Mapping[str, Command]) -> None:
    """The commands by purpose, each with one line."""
    console.print(Text("fcmae COMMAND --help tells more about a command.\n"))
    console.print(Text("Pre-train ConvNeXt V2 on images of your own, and use what it learned."))
    for purpose, title in PURPOSES.items():
        rows = [(name, c.summary) for name, c in commands.items() if c.purpose == purpose]
        if rows:
            console.print(Text(f"\n{title}", style="bold"))
            _print_columns(console, rows, OVERVIEW_INDENT)
    console.print(Text("\nfcmae --version prints the version. Start with: fcmae demo"))


def print_help(console: Console, name: str, command: Command, topic: str = "") -> None:
    """Prints a command's purpose, an example, and its options.

    Args:
        console: Where to print.
        name: The command's.
        command: The command.
        topic: A group of options, ``options`` for those outside groups, or ``all``; empty for the
            first page, with the options that must be given or are common, and the groups.

    Raises:
        ValueError: There is no such group.
    """
    groups = {UNGROUPED: "", **groups_of(command.options)}
    if topic not in ("", ALL, *groups):
        close = did_you_mean(topic, [*groups, ALL])
        raise ValueError(
            f"fcmae {name} has no group of options {topic!r}.{close} "
            f"The groups are {', '.join(groups)}; all is everything."
        )
    if topic in ("", ALL):
        _print_head(console, name, command)
    if topic:
        shown = groups if topic == ALL else {topic: groups[topic]}
        for number, (group, title) in enumerate(shown.items()):
            _print_group(console, command, group, title, apart=topic == ALL or number > 0)
    else:
        _print_first_page(console, name, command, groups)


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


def _print_head(console: Console, name: str, command: Command) -> None:
    """The usage, the description and the example."""
    fields = fields_of(command.options).values()
    needed = [
        _usage(f, command.positional) for f in fields if f.required and f.name != command.rest
    ]
    last = [] if command.rest is None else ["--", command.rest.upper()]
    console.print(Text(" ".join(["fcmae", name, *needed, "[options]", *last]), style="bold"))
    console.print(Text(f"\n{_paragraph(command.options.__doc__ or '')}\n"))
    console.print(Text("Example", style="bold"))
    console.print(Text(f"  {command.example}"), soft_wrap=True)


def _print_first_page(
    console: Console, name: str, command: Command, groups: Mapping[str, str]
) -> None:
    fields = fields_of(command.options)
    first = [fields[name] for name in command.first_page]
    room = max(console.width - FIRST_PAGE_INDENT, 40)
    console.print(Text("\nOptions", style="bold"))
    _print_columns(console, (_in_brief(field, room) for field in first), FIRST_PAGE_INDENT)
    left = [f.name for f in fields.values() if not f.group and f not in first]
    own = [flag.split()[-2 if "," in flag else 0] for flag in list(OWN)[:-1]]
    console.print(Text(f"\nMore: fcmae {name} --help GROUP, or --help {ALL}", style="bold"))
    for group, title in groups.items():
        told = _clause(title) if title else ", ".join([*left, *own])
        line = Text(f"  {group}".ljust(FIRST_PAGE_INDENT), style="cyan")
        told = textwrap.shorten(told, room, placeholder=" ...")
        console.print(line.append(told, style="default"), soft_wrap=True)


def _print_group(
    console: Console, command: Command, group: str, title: str, *, apart: bool
) -> None:
    """All options of a group; the group of all others has those of every command too."""
    inside = "" if group == UNGROUPED else group
    console.print(Text(f"{chr(10) * apart}{group if inside else 'Options'}", style="bold"), end="")
    console.print(Text(f"  {title.rstrip('.')}" if title else ""))
    members = [f for f in fields_of(command.options).values() if f.group == inside]
    own = {} if inside else OWN
    _print_columns(console, [*((_flag(f), _help(f)) for f in members), *own.items()], INDENT)


def _usage(field: Field, positional: Sequence[str]) -> str:
    return field.name.upper() if field.name in positional else f"--{_flag(field)[2:]}"


def _flag(field: Field) -> str:
    return f"--{field.name} {metavar(field.hint)}"


def _help(field: Field) -> str:
    """The help of an option with its choices, where the flag has no room for them, and default."""
    many = metavar(field.hint).endswith("NAME")
    return f"{field.help}{_choices(field) if many else ''}{_default(field)}"


def _in_brief(field: Field, room: int) -> tuple[str, str]:
    """The flag of an option, and its help on at most two lines of so many letters."""
    flag, choices = _flag(field), ""
    if len(flag) + 4 > FIRST_PAGE_INDENT and (choices := _choices(field)):
        flag = f"--{field.name} NAME"
    default = _default(field)
    told = textwrap.shorten(
        f"{_clause(field.help)}.", 2 * room - len(choices + default) - room // 4, placeholder=" ..."
    )
    return flag, f"{told}{choices}{default}"


def _choices(field: Field) -> str:
    names = [c for p in parts_of(field.hint) if get_origin(p) is Literal for c in get_args(p)]
    return f" One of {', '.join(map(str, names))}." if names else ""


def _default(field: Field) -> str:
    if field.required:
        return " (must be given)"
    default = plain(field.default)
    if default is None:
        return ""
    if isinstance(default, list):
        default = ",".join(map(str, default))
    return f" [{str(default).lower() if isinstance(default, bool) else default}]"


def _clause(text: str) -> str:
    """A sentence's main clause: what stands before the first full stop, colon or semicolon."""
    return re.split(r"[.:;](?=\s|$)", text, maxsplit=1)[0]


def _print_columns(console: Console, rows: Iterable[tuple[str, str]], indent: int) -> None:
    """Flags on the left, what they do on the right, wrapped to the width of the terminal."""
    width = max(console.width - indent, 40)
    for left, right in rows:
        lines = textwrap.wrap(right, width) or [""]
        if len(left) + 4 > indent:
            lines = ["", *lines]
        head = Text(f"  {left}".ljust(indent), style="cyan")
        console.print(head.append(lines[0], style="default"), soft_wrap=True)
        for line in lines[1:]:
            console.print(Text(" " * indent + line), soft_wrap=True)


def _paragraph(doc: str) -> str:
    paragraphs = doc.strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
