"""Which command made a run, told from the options it left."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict, replace
from math import prod
from typing import Any

from fcmae.errors import CheckpointError
from fcmae.model.options import Architecture
from fcmae.model.timm_options import PREFIX, TimmArchitecture
from fcmae.options.fields import fields_of, groups_of, plain
from fcmae.options.parse import as_text
from fcmae.reports.run import RunRecord
from fcmae.setup.weights import read_weights, size_name


def made_by(record: RunRecord) -> RunRecord:
    """The record with the command that made the run, and the model as its weights describe it.

    Options of the model that were left to the weights it began with are those of its own weights.
    """
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
        options=as_trained(record.options, weights.net),
        model=net_name(weights.net),
        parameters=sum(prod(shape) for shape in weights.header.shapes.values()),
    )


def net_name(net: Architecture | TimmArchitecture) -> str:
    """The name of an encoder, as ``--model`` takes it."""
    return f"{PREFIX}{net.timm}" if isinstance(net, TimmArchitecture) else size_name(net)


def as_trained(options: Mapping[str, Any], net: Architecture | TimmArchitecture) -> dict[str, Any]:
    """Nested options with the encoder that was trained in place of what was typed of it."""
    told = dict(options)
    if "model" in told:
        told["model"] = net_name(net)
    fields = asdict(net)
    has_grn = isinstance(net, Architecture) and net.version == 2
    for group, values in {"encoder": fields, "grn": fields["grn"] if has_grn else {}}.items():
        if isinstance(typed := told.get(group), dict):
            told[group] = {name: values.get(name, value) for name, value in typed.items()}
    return told


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
