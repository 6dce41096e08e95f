"""A run goes on with options that mean what its own meant, however they are said."""

from dataclasses import replace
from typing import Any

import pytest

from fcmae.checkpoint.weights import save_weights
from fcmae.cli.commands import COMMANDS
from fcmae.engine.resume import check_same_run
from fcmae.errors import CheckpointError
from fcmae.model.encoder import Encoder
from fcmae.model.grn_options import Response
from fcmae.model.options import architecture
from fcmae.model.timm_options import TimmArchitecture
from fcmae.options.fields import nested
from fcmae.options.parse import build, read_command_line
from fcmae.setup.weights import read_weights
from fcmae.training.meaning import meaning_of
from fcmae.training.start import Start

SAME = [
    ("finetune detect", "--augment.scale 0.1,2", ""),
    ("finetune detect", "--augment.scale 0.8,1.25 --tiles.size 64", "--tiles.size 64"),
    ("finetune detect", "--tiles.size 128 --tiles.overlap 0.25", "--tiles.size 128,128"),
    (
        "finetune segment",
        "--size 64 --augment.short_side crop",
        "--size 64 --augment.short_side 64 --scan.short_side 64",
    ),
    ("finetune classify", "--size 64", "--size 64,64"),
    ("pretrain", "--size 64", "--size 64,64"),
    ("pretrain", "--encoder.stem 2", "--encoder.stem 2 --mask.patch 16"),
    ("contrast", "", "--projection.hidden 1280"),
    ("contrast", "--model base", "--model base --projection.hidden 4096"),
    ("finetune detect", "", "--head.anchor 32"),
    ("finetune detect", "--encoder.stem 2", "--encoder.stem 2 --head.anchor 16"),
    ("finetune segment", "", "--labels.classes names.txt"),
]
TRAININGS = [
    "pretrain", "contrast", "finetune classify", "finetune detect", "finetune segment",
    "finetune values",
]  # fmt: skip
OF_ALL = [
    ("", "--model atto"),
    ("--optim.epochs 50", "--optim.epochs 50 --optim.warmup_epochs 5"),
    ("--optim.batch_size 8", "--optim.batch_size 8 --run.micro_batch 8"),
    ("", "--grn.kind grn --grn.aggregation l2 --grn.affine true --grn.stages 1,2,3,4"),
    ("--grn.kind se", "--grn.kind se --grn.residual true"),
    ("--model v1-tiny", "--model v1-tiny --grn.normalization mean"),
]
SAME += [("pretrain", *pair) for pair in OF_ALL]
SAME += [
    pytest.param(command, *pair, marks=pytest.mark.full)
    for command in TRAININGS[1:]
    for pair in OF_ALL
]
W = "--weights runs/a"
OWN = "--loader.mean 0.5,0.5,0.5 --loader.std 0.2,0.2,0.2"
WITH_WEIGHTS = [
    ("finetune classify", W, f"{W} --model femto --encoder.stem 2 {OWN}"),
    ("finetune classify", f"{W} --encoder.channels 3", "--weights elsewhere --model femto"),
    ("finetune classify", W, f"{W} --grn.kind grn --grn.stages 1,2"),
    ("finetune classify", f"{W} --grn.stages 1,2,3", f"{W} --grn.kind grn --grn.stages 1,2,3"),
    ("pretrain", W, f"{W} --mask.patch 16"),
    ("contrast", W, f"{W} --projection.hidden 1536"),
    ("finetune detect", W, f"{W} --head.anchor 16 --masks true"),
    ("finetune segment", W, f"{W} --labels.ignore_index 9 --labels.reduce_zero_label true"),
    ("finetune values", W, f"{W} --kind numbers"),
    ("finetune classify", W, f"--model femto --encoder.stem 2 --grn.stages 1,2 {OWN}"),
]
OTHERS = [
    ("pretrain", "", "--model femto", 'model: null before, "femto" now'),
    ("pretrain", "", "--grn.kind se", 'grn.kind: null before, "se" now'),
    ("pretrain", "--optim.epochs 50", "", "optim.epochs: 50 before, 800 now"),
    ("pretrain", "", W, 'model: "atto" before, "femto" now'),
    ("finetune classify", W, f"{W} --model tiny", 'model: null before, "tiny" now'),
    ("finetune classify", W, f"{W} --grn.stages 1", "grn.stages: null before, [1] now"),
    ("finetune detect", W, f"{W} --masks false", "masks: null before, false now"),
]


def record(command: str, line: str) -> dict[str, Any]:
    kind = COMMANDS[command].options
    words = f"--data photos --out run {line}".split()
    return nested(build(kind, read_command_line(words, kind).values))


def check(
    command: str, before: dict[str, Any], now: dict[str, Any], start: Start | None = None
) -> None:
    data = {"fingerprint": "", "images": 1}
    facts = [{"options": options, "data": data} for options in (before, now)]
    check_same_run(*facts, meaning_of(COMMANDS[command].options, start))


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Start:
    """A start from weights that differ from a new model in all that they may."""
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    net = replace(architecture("femto", stem=2), grn=Response(stages=(1, 2)))
    save_weights(path, Encoder(net), {"size": [64, 64], "mean": [0.5] * 3, "std": [0.2] * 3})
    data = {"kind": "numbers", "masks": True}
    labels = {"labels.ignore_index": 9, "labels.reduce_zero_label": True}
    return Start(net=net, weights=read_weights(path), data=data | labels)


@pytest.mark.parametrize(("command", "one", "other"), WITH_WEIGHTS)
def test_what_weights_and_data_decide_may_be_said_too(
    command: str, one: str, other: str, start: Start
) -> None:
    for before, now in ((one, other), (other, one)):
        check(command, record(command, before), record(command, now), start)


@pytest.mark.parametrize(("command", "before", "now", "told"), OTHERS)
def test_what_is_left_open_differs_from_anything_else_that_is_said(
    command: str, before: str, now: str, told: str, start: Start
) -> None:
    with pytest.raises(CheckpointError) as caught:
        check(command, record(command, before), record(command, now), start)
    assert told in str(caught.value)


def test_a_start_whose_weights_are_gone_stands_for_them_by_its_encoder(start: Start) -> None:
    before, now = f"{W}", "--model femto --encoder.stem 2 --grn.stages 1,2"
    gone = replace(start, weights=None)
    check("pretrain", record("pretrain", before), record("pretrain", now), gone)


def test_what_weights_decide_stays_open_where_nobody_has_looked_at_them() -> None:
    check("contrast", record("contrast", W), record("contrast", W))
    with pytest.raises(CheckpointError, match=r"model: null before, .atto. now"):
        check("contrast", record("contrast", W), record("contrast", f"{W} --model atto"))


def test_a_net_of_timm_is_what_its_weights_say() -> None:
    start = Start(net=TimmArchitecture(timm="resnet18", channels=3))
    lines = W, f"{W} --model timm:resnet18"
    check("finetune classify", *(record("finetune classify", line) for line in lines), start)


@pytest.mark.parametrize(("command", "before", "now"), SAME)
def test_what_means_the_same_may_be_said_differently(command: str, before: str, now: str) -> None:
    check(command, record(command, before), record(command, now))
    check(command, record(command, now), record(command, before))


def test_what_means_something_else_is_told_as_it_was_said() -> None:
    before, now = "--size 64", "--tiles.size 96 --augment.scale 0.1,2"
    with pytest.raises(CheckpointError) as caught:
        check("finetune detect", record("finetune detect", before), record("finetune detect", now))
    told = "size: 64 before, 512 now; tiles.size: null"
    assert f"go on: {told} before, 96 now. Give" in str(caught.value)


def test_a_record_that_this_version_does_not_read_is_taken_literally() -> None:
    before = record("pretrain", "--size 64")
    before["mask"].update(ratio=2.0, former=1)
    del before["optim"]["epochs"]
    with pytest.raises(CheckpointError) as caught:
        check("pretrain", before, record("pretrain", "--size 64"))
    told = "mask.former: 1 before, null now; mask.ratio: 2.0 before, 0.6 now."
    assert f"go on: {told} Give" in str(caught.value)
