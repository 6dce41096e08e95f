"""The commands that a plan's steps may be, as the room of comparisons asks for them."""

import dataclasses
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fcmae.ablation.commands import Commands
from fcmae.cli.command import Command
from fcmae.options.complaints import unknown
from fcmae.options.fields import fields_of, nested
from fcmae.options.parse import as_text, build, config_values
from fcmae.options.recipes import flat
from fcmae.options.suggest import did_you_mean

WITHOUT_LABELS = ("pretrain", "contrast")
WITH_LABELS = ("finetune", "evaluate", "analyze")
"""First words of the commands that make, measure or look into a run."""


class StepCommands(Commands):
    """Those of the command line.

    Args:
        commands: All of them by name.
    """

    def __init__(self, commands: Mapping[str, Command]) -> None:
        of_steps = (*WITHOUT_LABELS, *WITH_LABELS)
        self._commands = {n: c for n, c in commands.items() if n.split()[0] in of_steps}

    def names(self) -> list[str]:
        """Their names."""
        return list(self._commands)

    def options(self, command: str) -> list[str]:
        """The options of one."""
        return list(fields_of(self._commands[command].options))

    def numbers(self, command: str) -> list[str]:
        """The fields of its report."""
        report = self._commands[command].result
        return [field.name for field in dataclasses.fields(report)]

    def labelled(self, command: str) -> bool:
        """True if it reads labels."""
        return command.split(maxsplit=1)[0] in WITH_LABELS

    def resolve(
        self, command: str, configs: Sequence[str], values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Its options, as the command line would make them."""
        kind = self._commands[command].options
        fields, texts = fields_of(kind), config_values(configs, kind)
        for name, value in values.items():
            if name not in fields:
                raise unknown(name, kind, kind="key")
            texts[name] = as_text(value, fields[name])
        return dict(flat(nested(build(kind, texts))))

    def line(self, command: str, words: Sequence[str]) -> list[str]:
        """The same command in a process that ends with this one."""
        return [sys.executable, "-m", "fcmae.cli.step", *command.split(), *words]

    def close(self, name: str, names: Iterable[str]) -> str:
        """The name that was probably meant."""
        return did_you_mean(name, names)
