"""A report tells the command of a run, and the model as its weights describe it."""

import json
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from fcmae.cli.commands import COMMANDS
from fcmae.cli.report import as_trained, command_line, with_model
from fcmae.model.grn_options import Response
from fcmae.model.options import architecture
from fcmae.model.timm_options import TimmArchitecture
from fcmae.options.fields import nested
from fcmae.options.parse import build, read_command_line
from fcmae.reports.run import RunRecord, flat
from fcmae.training import TRAININGS

LINES = [
    ("pretrain", "--data 'my photos' --out b --size 64,96 --optim.betas 0.9,0.99"),
    ("pretrain", "--data a --out b --model v1-tiny --size 256 --mask.patch 64"),
    ("finetune classify", "--data a --out b --augment.rand_augment null --optim.ema 0.999"),
    ("finetune detect", "--data a --out b --run.resume false"),
    ("finetune segment", "--data a --out b --scan.scales 0.5,1,2"),
    ("finetune values", "--data a.csv --out b --optim.epochs 3 --optim.warmup_epochs 0"),
]


@pytest.mark.parametrize(("task", "line"), LINES)
def test_the_command_shown_has_the_options_of_the_run(task: str, line: str) -> None:
    kind = TRAININGS[task]
    options = build(kind, read_command_line(shlex.split(line), kind).values)
    recorded = json.loads(json.dumps(nested(options)))
    shown = shlex.split(command_line(task, flat(recorded)))
    assert shown[: 1 + len(task.split())] == ["fcmae", *task.split()]
    words = shown[1 + len(task.split()) :]
    assert build(kind, read_command_line(words, kind).values) == options
    assert len(words) <= 2 * line.count("--")


def test_the_table_of_trainings_is_that_of_the_commands() -> None:
    firsts = ("pretrain", "contrast", "finetune")
    trainings = {name for name in COMMANDS if name.split()[0] in firsts}
    assert set(TRAININGS) == trainings
    assert all(COMMANDS[name].options is kind for name, kind in TRAININGS.items())


@pytest.mark.parametrize("command", ["", "bench pretrain", "rm -r"])
def test_commands_that_are_no_training_have_no_line(command: str) -> None:
    assert command_line(command, {"data": "a", "out": "b"}) == ""


def test_damaged_weights_are_said(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_bytes(b"not weights")
    told = with_model(RunRecord(root=tmp_path, name="a", finished=True))
    assert (told.model, told.parameters) == ("", None)
    assert "is not a safetensors file" in told.missing[0]


def test_the_encoder_is_that_of_the_weights_not_as_typed() -> None:
    typed = {
        "model": None,
        "encoder": {"channels": 3, "stem": 4, "drop_path": 0.1},
        "grn": {"kind": None, "aggregation": None},
        "data": "photos",
    }
    before = json.dumps(typed)
    told = as_trained(typed, architecture("v1-nano", stem=2, channels=5))
    assert told["model"] == "v1-nano"
    assert told["encoder"] == {"channels": 5, "stem": 2, "drop_path": 0.1}
    assert told["data"] == "photos"
    assert told["grn"] == typed["grn"], "V1 has no GRN to tell of"
    net = replace(architecture("pico"), grn=Response(kind="grn", aggregation="l1"))
    assert as_trained(typed, net)["grn"] == {"kind": "grn", "aggregation": "l1"}
    timm = as_trained(typed, TimmArchitecture(timm="resnet10t.c3_in1k"))
    assert (timm["model"], timm["encoder"]) == ("timm:resnet10t.c3_in1k", typed["encoder"])
    assert json.dumps(typed) == before
