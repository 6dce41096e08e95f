"""Which command made a run, told from the options it left."""

import shlex
from collections.abc import Mapping
from dataclasses import replace
from math import prod
from typing import Any

from fcmae.cli.card import read_weights, size_name
from fcmae.cli.fields import fields_of, groups_of, plain
from fcmae.cli.parse import as_text
from fcmae.errors import CheckpointError
from fcmae.reports.run import RunRecord


def made_by(record: RunRecord) -> RunRecord:
    """The record with the command that made the run, and the model as its weights describe it."""
    task = task_of(record.options)
    told = replace(
        record, task=task, command=command_line(task, record.flat_options) if task else ""
    )
    if not record.finished:
        return told
    try:
        weights = read_weights(record.root)
    except CheckpointError as error:
        return replace(told, missing=[*record.missing, f"{error}"])
    return replace(
        told,
        model=size_name(weights.architecture),
        parameters=sum(prod(shape) for shape in weights.header.shapes.values()),
    )


def trainings() -> dict[str, type]:
    """The options of the commands that leave a run."""
    from fcmae.cli.commands import COMMANDS

    kinds = {name: command.options for name, command in COMMANDS.items()}
    return {name: kind for name, kind in kinds.items() if {"optim", "run"} <= set(groups_of(kind))}


def task_of(options: Mapping[str, Any]) -> str:
    """The training command whose options these are most like; empty if they are like none's."""
    likeness = {name: _likeness(options, kind) for name, kind in trainings().items()}
    best = max(likeness, key=lambda name: likeness[name])
    return best if likeness[best] > 0.5 else ""


def command_line(task: str, options: Mapping[str, Any]) -> str:
    """The command that has these options, by dotted name; those at their default are left out."""
    words = ["fcmae", *task.split()]
    for name, field in fields_of(trainings()[task]).items():
        if name in options and options[name] != plain(field.default):
            words += [f"--{name}", as_text(options[name], field)]
    return shlex.join(words)


def _likeness(options: Mapping[str, Any], kind: type) -> float:
    """Of the names that either has, the share that both have."""
    own = {name.split(".")[0] for name in fields_of(kind)}
    return len(own & set(options)) / len(own | set(options))
