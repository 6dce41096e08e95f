"""The step on shapes alone is the step: its operations, and the memory it holds."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from fcmae.analysis.budget import GATHERED, gpu_hours, memory
from fcmae.analysis.cost import NORM_OPERATIONS, cost
from fcmae.analysis.step import (
    Live,
    StepCost,
    TrainingOf,
    onednn_scratch,
    step_cost,
    training_flops,
)
from fcmae.cli.main import main
from fcmae.costs import cost_model
from fcmae.kernels import choice
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture, architecture

SMALL = Architecture(depths=(1, 2, 1, 1), dims=(8, 16, 24, 32))


def small(of: TrainingOf = "classify", **changes: Any) -> StepCost:
    values: dict[str, Any] = {"size": (64, 96), "batch_size": 2}
    return step_cost(SMALL, of=of, **(values | changes))


def test_what_lives_is_counted_until_it_goes() -> None:
    with Live() as live:
        x = torch.ones(1000)
        y = x * 2
        view = y[:10]  # not a tensor of its own
        assert live.most == 8000
        del x
        z = view + 1
    assert live.most == 8000
    assert z.numel() == 10


@pytest.mark.full
def test_operations_are_those_of_the_closed_form() -> None:
    norms = sum(
        NORM_OPERATIONS * depth * c * (16 * 24) // 4**stage
        for stage, (depth, c) in enumerate(zip(SMALL.depths, SMALL.dims, strict=True))
    )
    expected = cost(SMALL, size=(64, 96)).gflops * 1e9 - norms
    assert small().flops == pytest.approx(3 * 2 * 2 * expected, rel=1e-9)
    alone = training_flops(SMALL, of="classify", size=(64, 96))
    assert alone == pytest.approx(3 * 2 * expected, rel=1e-9)
    assert small(checkpointing=True).flops == pytest.approx(4 * 2 * 2 * expected, rel=1e-9)


@pytest.mark.full
def test_memory_is_that_of_a_step_with_values() -> None:
    model = Classifier(SMALL, num_classes=1000)
    images = torch.zeros(2, 3, 64, 96)
    with choice.using("reference"), Live() as live:
        model(images).float().logsumexp(dim=1).mean().backward()
    counted = small()
    assert counted.peak == pytest.approx(live.most, rel=0.01)
    assert counted.parameters == sum(p.numel() for p in model.parameters())
    assert counted.gradients == 4 * counted.parameters


@pytest.mark.full
def test_memory_grows_with_the_batch_and_shrinks_with_what_saves_it() -> None:
    plain = small("encode", batch_size=8)
    twice = small("encode", batch_size=16)
    assert twice.activations == pytest.approx(2 * plain.activations, rel=0.05)
    assert small("encode", batch_size=8, checkpointing=True).activations < plain.activations
    assert small("encode", batch_size=8, bfloat16=True).activations < plain.activations
    few, many = (small("pretrain", batch_size=8, ratio=ratio) for ratio in (0.9, 0.1))
    assert few.activations < many.activations


@pytest.mark.full
def test_segmenters_and_detectors_have_their_heads_counted() -> None:
    alone = small("encode")
    assert small("segment").flops > 2 * alone.flops
    assert small("detect").flops > 2 * alone.flops


STEP = StepCost(
    parameters=1000,
    largest_block=100,
    gradients=4000,
    activations=7000,
    peak=8000,
    cpu_peak=9000,
    flops=6 * 10**12,
)


def test_ddp_holds_everything_and_fsdp_a_share() -> None:
    ddp = memory(STEP, strategy="ddp", gpus=4, average=True)
    assert (ddp.weights, ddp.gradients, ddp.optimizer, ddp.copy) == (4000, 8000, 12000, 4000)
    fsdp = memory(STEP, strategy="fsdp", gpus=4, average=False)
    assert (fsdp.weights, fsdp.gradients, fsdp.optimizer, fsdp.copy) == (1000, 1000, 2000, 4000)
    assert fsdp.activations == 7000 + GATHERED * 400
    alone = memory(STEP, strategy="ddp", gpus=1, average=False)
    assert alone.total == 4000 + 4000 + 8000 + 0 + 7000


def test_hours_are_operations_over_speed() -> None:
    assert gpu_hours(3600e12, tflops=100.0, utilisation=0.5) == pytest.approx(3600 / 50 / 3600)


@pytest.mark.full
def test_the_command_tells_each_size(capsys: pytest.CaptureFixture[str]) -> None:
    line = "cost --model atto --size 64 96 --batch_size 2 --json -"
    assert main(line.split()) == 0
    said = json.loads(capsys.readouterr().out)
    row, larger = said["needed"]
    places = [(each["size"], each["batch_size"]) for each in said["needed"]]
    assert places == [(64, 2), (96, 2)]
    assert larger["tflop_per_image"] > 2 * row["tflop_per_image"]
    assert row["tflop_per_image"] * 1e12 == pytest.approx(
        step_cost(architecture("atto"), of="pretrain", size=(64, 64), batch_size=2).flops / 2
    )
    assert sum(row["fsdp_bytes"].values()) < sum(row["ddp_bytes"].values())
    assert said["assumed"].startswith("A model, not a measurement: 2 images of 64 or 96 pixels")


def test_every_recipe_of_the_paper_is_counted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cost_model, "_flops", lambda model, kind, side: 10**12)
    assert main(["cost", "--runs", "--json", "-"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    counted = {(run["recipe"], run["model"]): run for run in runs}
    assert len({recipe for recipe, _ in counted if recipe == "pretrain/1600"}) == 1
    huge = counted["finetune-22k-1k/huge-512", "huge"]
    assert (huge["size"], huge["epochs"], huge["images"]) == (512, 30, 1_281_167)
    assert huge["gpu_hours"] == pytest.approx(30 * 1_281_167 / (312 * 0.3) / 3600)
    assert counted["detect/coco-base", "base"]["images"] == 118_287
    assert not [recipe for recipe, _ in counted if recipe.endswith("/small")]


def test_runs_are_those_of_the_sizes_that_were_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cost_model, "_flops", lambda model, kind, side: 10**12)
    assert main(["cost", "--runs", "--model", "tiny", "--json", "-"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert {run["model"] for run in runs} == {"tiny"}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--batch_size 0", "batch_size is 0, but must be at least 1."),
        ("--utilisation 2", "utilisation is 2.0, but must lie in (0, 1]."),
        ("--tflops 0", "tflops is 0.0, but must be above 0."),
        ("--size 100", "size is 100, but must be a multiple of 32."),
    ],
)
def test_wrong_assumptions_are_refused(
    line: str, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["cost", *line.split()]) == 2
    assert expected in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_the_model_is_near_what_the_system_measures(capsys: pytest.CaptureFixture[str]) -> None:
    line = "bench pretrain --model atto --size 224 --batch_size 16 --rounds 1 --json -"
    assert main([*line.split(), "--run.device", "cpu", "--run.kernels", "reference"]) == 0
    [row] = json.loads(capsys.readouterr().out)["rows"]
    how: dict[str, Any] = {"size": (224, 224), "batch_size": 16}
    for way, of in (("visible", "pretrain"), ("dense", "encode")):
        counted = step_cost(architecture("atto"), of=of, **how)  # type: ignore[arg-type]
        assert 0.8 < counted.cpu_peak / row["peak_bytes"][way] < 1.05


MEASURED = {  # MiB that Linux gave to a step on a CPU with AVX-512; see docs/scale.md
    ("atto", "pretrain", 128, 8, False): 84,
    ("atto", "pretrain", 224, 8, True): 132,
    ("tiny", "pretrain", 128, 8, False): 256,
}


@pytest.mark.full
@pytest.mark.parametrize("case", MEASURED, ids=str)
def test_the_model_with_the_room_of_onednn_is_what_was_measured(
    case: tuple[str, TrainingOf, int, int, bool],
) -> None:
    name, of, side, batch_size, bfloat16 = case
    counted = step_cost(
        architecture(name), of=of, size=(side, side), batch_size=batch_size, bfloat16=bfloat16
    )
    assert counted.cpu_peak / 2**20 == pytest.approx(MEASURED[case], rel=0.1)
    assert counted.peak < 0.9 * MEASURED[case] * 2**20


def test_only_the_gradients_of_depthwise_convolutions_take_room_of_their_own() -> None:
    x, kernels = torch.zeros(2, 8, 5, 5), torch.zeros(8, 1, 7, 7)
    backward = torch.ops.aten.convolution_backward.default
    rest = ([1, 1], [3, 3], [1, 1], False, [0, 0])
    assert onednn_scratch(backward, (x, x, kernels, [8], *rest, 8)) == 256 * 8 * 49 * 4
    half = (x.bfloat16(), x.bfloat16(), kernels.bfloat16(), [8], *rest, 8)
    assert onednn_scratch(backward, half) == 256 * 8 * 49 * 6 + 2 * 16 * 8 * 25 * 2
    assert onednn_scratch(backward, (x, x, kernels, [8], *rest, 1)) == 0
    assert onednn_scratch(torch.ops.aten.relu.default, (x,)) == 0
