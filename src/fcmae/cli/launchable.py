"""Whether a command can be launched in several processes, known before any of them starts."""

from collections.abc import Sequence

from fcmae.cli.commands import COMMANDS
from fcmae.cli.fields import fields_of
from fcmae.cli.main import find_command
from fcmae.cli.parse import build, read_command_line


def check_launchable(words: Sequence[str]) -> None:
    """Refuse what is no training, and options that each process would refuse for itself.

    Raises:
        ValueError: The command or one of its options is wrong.
    """
    trainings = [n for n, command in COMMANDS.items() if trains(command.options)]
    name, rest = find_command(list(words)) if words and words[0][0] != "-" else ("", [])
    if name not in trainings:
        said = name or " ".join(words[:1]) or "nothing"
        raise ValueError(
            f"{said} cannot be launched: the commands that share their work between processes are "
            f"{', '.join(trainings)}."
        )
    line = read_command_line(rest, COMMANDS[name].options, positional=COMMANDS[name].positional)
    if line.help or line.print_config:
        raise ValueError(f"give --help and --print-config to fcmae {name} itself.")
    build(COMMANDS[name].options, line.values)


def trains(options: type) -> bool:
    """Whether a command has the options of a run and of an optimizer."""
    return {"run.strategy", "optim.epochs"} <= set(fields_of(options))
