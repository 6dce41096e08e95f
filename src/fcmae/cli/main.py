"""The ``fcmae`` command: find the command, read its options, run it, answer for what went wrong."""

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console as Terminal

from fcmae import __version__
from fcmae.cli.command import Command
from fcmae.cli.commands import COMMANDS
from fcmae.cli.help import print_help, print_overview
from fcmae.cli.launch.words import leave_words
from fcmae.engine.rank_env import leads, place
from fcmae.errors import DataError, FcmaeError
from fcmae.files.durable import storage_errors
from fcmae.flags import written_as_flags
from fcmae.options.fields import fields_of, nested, plain
from fcmae.options.parse import CommandLine, build, read_command_line
from fcmae.options.suggest import did_you_mean

PACKAGE = str(Path(__file__).parents[1])


def main(args: Sequence[str] | None = None) -> int:
    """Run a command line and give back its exit code (see ``fcmae.errors``)."""
    with written_as_flags():
        return _main(list(sys.argv[1:] if args is None else args))


def _main(words: list[str]) -> int:
    line: CommandLine | None = None
    try:
        name, words = find_command(words)
        if not name:
            return 0
        command = COMMANDS[name]
        line = read_command_line(
            words, command.options, positional=command.positional, rest=command.rest
        )
        return _run(name, command, line)
    except KeyboardInterrupt:
        return _fail("interrupted.", 130)
    except BrokenPipeError:
        # Whoever read the output has gone, as in `fcmae info | head`; nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        return _answer(error, line)


def find_command(words: list[str]) -> tuple[str, list[str]]:
    """The command that the first words name, and the words after it; nothing if all is said."""
    if not words or words[0] in ("-h", "--help", "help"):
        print_overview(Terminal(), COMMANDS)
        return "", []
    if words[0] == "--version":
        sys.stdout.write(f"fcmae {__version__}\n")
        return "", []
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in COMMANDS:
            return name, words[length:]
    inside = {name: c for name, c in COMMANDS.items() if name.split()[0] == words[0]}
    if not inside:
        firsts = list(dict.fromkeys(name.split()[0] for name in COMMANDS))
        raise ValueError(
            f"there is no command {words[0]!r}.{did_you_mean(words[0], firsts)} "
            f"The commands are {', '.join(firsts)}."
        )
    if words[1:2] and words[1] in ("-h", "--help"):
        print_overview(Terminal(), inside)
        return "", []
    seconds = [name.split()[1] for name in inside]
    got = f"not {words[1]!r}." if words[1:2] and not words[1].startswith("-") else "as in"
    close = did_you_mean(words[1], seconds) if words[1:2] else ""
    example = f" fcmae {words[0]} {seconds[0]}." if got == "as in" else close
    raise ValueError(f"fcmae {words[0]} needs {' or '.join(seconds)} after it, {got}{example}")


def _run(name: str, command: Command, line: CommandLine) -> int:
    """Run a command and tell of its result; an error's code if that is not sound."""
    if line.help is not None:
        print_help(Terminal(), name, command, line.help)
        return 0
    if line.print_config:
        sys.stdout.write(_as_yaml(command.options, line))
        return 0
    # The command says itself what is absent, for there is no flag for it.
    rest = {command.rest: "[]"} if command.rest else {}
    options: Any = build(command.options, {**rest, **line.values})
    _check_json(line.json)
    result = command(options)
    if not leads():
        return 0
    text = json.dumps(plain(result), indent=1, allow_nan=False) + "\n"
    command.show(result, Terminal(stderr=line.json == "-", highlight=False))
    if line.json not in (None, "-"):
        with storage_errors(Path(str(line.json))):
            Path(str(line.json)).write_text(text, encoding="utf-8")
    if line.json == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
    return 0 if command.sound(result) else DataError.exit_code


def _as_yaml(options: type, line: CommandLine) -> str:
    """The options as YAML; those that must be given and are not are named in a comment."""
    fields = fields_of(options)
    absent = [n for n, field in fields.items() if field.required and n not in line.values]
    tree = nested(build(options, {**line.values, **dict.fromkeys(absent, "absent")}))
    for name in absent:
        del tree[name]
    comment = f"# Still to be given: {', '.join(absent)}\n" if absent else ""
    return comment + yaml.safe_dump(tree, sort_keys=False, default_flow_style=None, width=100)


def _check_json(target: str | None) -> None:
    if target is None or target == "-":
        return
    path = Path(target)
    written = path if path.exists() else path.parent
    if path.is_dir() or not path.parent.is_dir() or not os.access(written, os.W_OK):
        raise ValueError(
            f"--json {target} is not a file that can be written; - is standard output."
        )
    if path.is_file():
        with path.open("rb") as file:
            begins = file.read(1)
        if begins not in (b"", b"{"):
            raise ValueError(
                f"--json {target} is there already and is no JSON: give another file, or move it "
                "away."
            )


def _answer(error: Exception, line: CommandLine | None) -> int:
    """Say in one line what went wrong, and give back the exit code."""
    if os.environ.get("FCMAE_DEBUG") == "1":
        traceback.print_exception(error)
    if isinstance(error, FcmaeError):
        return _fail(str(error), error.exit_code)
    if isinstance(error, ValueError) and _is_ours(error):
        return _fail(str(error), 2)
    trace = "".join(traceback.format_exception(error))
    out = Path(line.values.get("out", "")) if line and "out" in line.values else None
    folder = out if out is not None and out.is_dir() else Path(tempfile.gettempdir())
    path = folder / f"fcmae-error-{os.getpid()}.txt"
    try:
        path.write_text(trace, encoding="utf-8")
        where = f"The full report is in {path}"
    except OSError:
        where = "FCMAE_DEBUG=1 shows where"
    return _fail(f"unexpected {type(error).__name__}: {_first_line(error)} {where}.", 1)


def _is_ours(error: Exception) -> bool:
    """True if a room of this package raised the error, so that its message is meant for users."""
    frames = traceback.extract_tb(error.__traceback__)
    return bool(frames) and frames[-1].filename.startswith(PACKAGE)


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0].rstrip(".") if lines else "no message") + "."


def _fail(message: str, code: int) -> int:
    text = " ".join(message.split())
    if not leave_words(text, code):
        sys.stderr.write(_of_process(text))
    return code


def _of_process(text: str) -> str:
    """A process's last line under torchrun or SLURM; nothing where another one says the same.

    Until PyTorch is there, all processes of a machine look at the same options and files, and the
    first one speaks for them.
    """
    mine = place()
    if mine.world == 1:
        return f"fcmae: {text}\n"
    if "torch" not in sys.modules:
        return "" if mine.local else f"fcmae: {text}\n"
    return f"fcmae: {mine.name}: {text}\n"


if __name__ == "__main__":
    sys.exit(main())
