"""What is said while a run trains, with and without a terminal."""

import io

import pytest
from rich.console import Console as Terminal

from fcmae.cli.shared.console import Console, state
from fcmae.engine.report import RunPlan

PLAN = RunPlan(
    first_step=2,
    steps=10,
    steps_per_epoch=5,
    epochs=2,
    images=50,
    batch_size=10,
    micro_batch=5,
    processes=1,
    device="cpu",
    kernels="reference, as asked for",
    precision="float32",
    peak_lr=1e-3,
    parameters=1234,
    groups="group  lr scale\nall           1",
)
METRICS = {
    "step": 4.0, "epoch": 0.8, "loss": 0.9123, "lr": 1e-3, "images_per_s": 12.4, "data_wait": 0.25,
}  # fmt: skip


def told(*, is_terminal: bool, line_every_s: float = 0.0) -> str:
    stream = io.StringIO()
    terminal = Terminal(file=stream, force_terminal=is_terminal, width=120)
    console = Console(terminal, line_every_s=line_every_s)
    console.start(PLAN)
    console.step(METRICS)
    console.evaluated(1, {"val/top1": 0.5, "feature_distance/block_03": 0.1})
    console.message("something [to] know")
    console.finish()
    console.finish()
    return stream.getvalue()


def test_without_a_terminal_there_are_plain_lines() -> None:
    said = told(is_terminal=False)
    assert "\x1b" not in said
    assert "\r" not in said
    assert "effective batch 10" in said
    assert "peak learning rate 0.001" in said
    assert "  group  lr scale\n  all           1\n" in said
    line = next(line for line in said.splitlines() if line.startswith("step 4/10"))
    assert "epoch 0.8  loss 0.9123  lr 1.0e-03  12 images/s  25% data wait" in line
    assert line.endswith(" left")
    assert "epoch 1  val/top1 0.5\n" in said
    assert said.endswith("something [to] know\n")


def test_plain_lines_come_now_and_then() -> None:
    assert "step 4/10" not in told(is_terminal=False, line_every_s=3600.0)


@pytest.mark.parametrize("is_terminal", [False, True])
def test_every_epoch_has_a_line_also_without_evaluations(is_terminal: bool) -> None:
    stream = io.StringIO()
    terminal = Terminal(file=stream, force_terminal=is_terminal, width=120)
    console = Console(terminal, line_every_s=3600.0)
    console.start(PLAN)
    for step in range(3, 11):
        console.step({**METRICS, "step": float(step), "epoch": step / 5})
    console.finish()
    said = stream.getvalue()
    numbers = "loss 0.9123  lr 1.0e-03  12 images/s  25% data wait\n"
    assert f"epoch 1  {numbers}" in said
    assert f"epoch 2  {numbers}" in said
    assert said.count(numbers) == 2


def test_one_of_many_runs_has_no_line_for_each_epoch() -> None:
    stream = io.StringIO()
    console = Console(Terminal(file=stream, width=120), line_every_s=3600.0).brief()
    console.start(PLAN)
    console.step({**METRICS, "step": 5.0})
    assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar() -> None:
    said = told(is_terminal=True)
    assert "4/10" in said
    assert "loss 0.9123" in said


def test_only_numbers_that_are_there_are_shown() -> None:
    assert state({"step": 1.0, "loss": 0.5}) == "loss 0.5000"


@pytest.mark.parametrize("is_terminal", [False, True])
def test_items_pass_under_a_bar(is_terminal: bool) -> None:
    stream = io.StringIO()
    console = Console(Terminal(file=stream, force_terminal=is_terminal, width=120))
    assert list(console.track([[1, 2], [3]], "counting", 3)) == [[1, 2], [3]]
    assert ("counting" in stream.getvalue()) == is_terminal
