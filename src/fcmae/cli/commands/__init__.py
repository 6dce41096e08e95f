"""The commands of ``fcmae``; nothing else knows the whole list."""

from fcmae.cli.command import Command
from fcmae.cli.commands import others, train, use

COMMANDS: dict[str, Command] = {**train.COMMANDS, **use.COMMANDS, **others.COMMANDS}
