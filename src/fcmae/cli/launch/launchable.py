"""True if a command can be launched in several processes, known before any of them starts."""

import shlex
from collections.abc import Sequence

from fcmae.cli.commands import COMMANDS
from fcmae.cli.main import find_command
from fcmae.options.fields import fields_of
from fcmae.options.parse import build, read_command_line

EXAMPLE = "Give one as in: fcmae launch --gpus 2 -- pretrain --data photos --out runs/pretrain."


def check_launchable(words: Sequence[str]) -> None:
    """Refuse what is no training, and options that each process would refuse for itself.

    Raises:
        ValueError: The command or one of its options is wrong.
    """
    trainings = [n for n, command in COMMANDS.items() if trains(command.options)]
    if not words or not words[0] or words[0].startswith("-"):
        got = f"not {words[0]!r}" if words else "and there is none"
        raise ValueError(
            f"a training has to come after the options of launch, {got}. {EXAMPLE} The trainings "
            f"are {', '.join(trainings)}."
        )
    name, rest = find_command(list(words))
    if name not in trainings:
        raise ValueError(
            f"fcmae {name} does not share its work between processes, so it runs without launch: "
            f"fcmae {shlex.join(words)}. What can be launched is {', '.join(trainings)}."
            if name
            else f"launch starts trainings: {', '.join(trainings)}. {EXAMPLE}"
        )
    line = read_command_line(rest, COMMANDS[name].options, positional=COMMANDS[name].positional)
    if line.help is not None or line.print_config:
        raise ValueError(f"give --help and --print-config to fcmae {name} itself.")
    build(COMMANDS[name].options, line.values)


def trains(options: type) -> bool:
    """True if a command has the options of a run and of an optimizer."""
    return {"run.strategy", "optim.epochs"} <= set(fields_of(options))
