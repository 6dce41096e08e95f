"""Steps are computed once, in order, and whatever happens the table ends up the same."""

import csv
import io
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console as Terminal
from stubs import Desk

from fcmae.ablation.launch import Here
from fcmae.cli.ablate.ablate import show_ablated
from fcmae.engine.lock import hold
from fcmae.errors import CheckpointError, DistributedError, StorageError
from forking import IGNORE_THREADS, Child, calls_of, killed_after

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)

PLAN = """
title: A comparison
metric: finetune.top1
seeds: [0, 1]
steps:
  pretrain: {}
  finetune: {command: finetune classify, from: pretrain}
cells:
  one: {paper: 83.7}
  two: {finetune: {value: 2}}
  other: {pretrain: {value: 3}}
  scratch: {pretrain: null, finetune: {from: null}}
"""

LASTING = "steps: {pretrain: {seconds: 600}}\nmetric: pretrain.top1"


def wait_for_stub(desk: Desk, runner: Child) -> int:
    """The process of the stub that a runner has begun."""
    while not (desk.root / "calls").exists():
        assert runner.lives()
        time.sleep(0.01)
    tasks = Path(f"/proc/{runner.pid}/task").glob("*/children")
    (stub,) = [int(pid) for path in tasks for pid in path.read_text().split()]
    return stub


def numbers(path: Path) -> list[dict[str, Any]]:
    """The table without the times, which no two runs share."""
    rows = json.loads((path / "table.json").read_text())["rows"]
    return [{k: v for k, v in row.items() if k not in ("seconds", "resumed")} for row in rows]


def test_each_different_step_is_computed_once_and_shared(desk: Desk) -> None:
    result = desk.run(PLAN)
    calls = desk.calls()
    assert calls.count("pretrain -") == 4  # two of one and two, two of other
    assert calls.count("finetune classify -") == 8
    assert (result.done, result.steps) == (12, 12)
    cells = desk.out / "cells"
    assert (cells / "one/seed-0/pretrain").resolve() == (cells / "two/seed-0/pretrain").resolve()
    assert (cells / "one/seed-0/pretrain").resolve() != (cells / "one/seed-1/pretrain").resolve()
    assert not (cells / "scratch/seed-0/pretrain").exists()
    assert len({row.mean for row in result.rows}) == 4
    desk.run(PLAN)
    assert desk.calls() == []


def test_the_table_tells_mean_spread_seeds_and_the_papers_number(desk: Desk) -> None:
    row = desk.run(PLAN).rows[0]
    assert list(row.values) == ["0", "1"]
    assert row.mean == pytest.approx(statistics.fmean(row.values.values()))
    assert row.std == pytest.approx(statistics.stdev(row.values.values()))
    assert (row.seeds, row.paper) == (2, 83.7)
    with (desk.out / "table.csv").open(newline="") as file:
        read = {line["cell"]: line for line in csv.DictReader(file)}
    assert float(read["one"]["mean"]) == row.mean
    assert float(read["one"]["seed 1"]) == row.values["1"]
    text = (desk.out / "table.md").read_text()
    assert f"| one | {100 * row.mean:.1f} ± {100 * row.std:.1f} | 2 of 2 | 83.7 |" in text


def test_further_numbers_stand_beside_the_metric_where_a_cell_has_them(desk: Desk) -> None:
    text = PLAN.replace(
        "metric:", "also: {loss: pretrain.metrics.loss, gone: pretrain.metrics.x}\nmetric:"
    )
    result = desk.run(text)
    at = result.columns.index("loss")
    assert result.columns[at + 1] == "gone"
    of_cell = {line[0]: line[at : at + 2] for line in result.lines}
    assert of_cell["one"] == ["0.5 ± 0", "-"]
    assert of_cell["scratch"] == ["-", "-"]
    lines = (desk.out / "table.csv").read_text().splitlines()
    assert "loss,loss std" in lines[0]


def test_a_failed_cell_is_reported_and_the_others_are_done(desk: Desk) -> None:
    plan = PLAN.replace("other: {pretrain: {value: 3}}", "other: {pretrain: {fails: true}}")
    with pytest.raises(DistributedError, match="4 of the plan's steps failed") as told:
        desk.run(plan)
    assert "other, seed 0: pretrain failed: the stub was told to fail. (log: " in str(told.value)
    log = Path(str(told.value).split("(log: ")[1].split(")")[0])
    assert "much to say" in log.read_text()
    assert "other, seed 0: finetune failed: it starts from pretrain, which failed" in " ".join(
        desk.said
    )
    assert [row["mean"] is None for row in numbers(desk.out)] == [False, False, True, False]
    desk.calls()
    with pytest.raises(DistributedError):
        desk.run(plan)
    assert desk.calls() == ["pretrain -"] * 2


def test_a_killed_child_takes_nothing_with_it(desk: Desk) -> None:
    child = Child(lambda: desk.run(LASTING))
    os.kill(wait_for_stub(desk, child), signal.SIGKILL)
    assert child.wait() == DistributedError.exit_code
    log = next(desk.out.glob("steps/pretrain-*/log.txt"))
    assert log.read_text().startswith("$ ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_reaches_the_child_which_saves(desk: Desk, number: signal.Signals) -> None:
    child = Child(lambda: desk.run(LASTING))
    wait_for_stub(desk, child)
    child.send(number)
    assert child.wait() == 128 + number
    log = next(desk.out.glob("steps/pretrain-*/log.txt"))
    assert "stopped and saved" in log.read_text()
    assert not list(desk.out.glob("steps/*/result.json"))


def test_children_end_with_a_runner_that_is_killed(desk: Desk) -> None:
    child = Child(lambda: desk.run(LASTING))
    stub = wait_for_stub(desk, child)
    child.kill()
    while Path(f"/proc/{stub}/stat").exists():
        time.sleep(0.01)
    log = next(desk.out.glob("steps/pretrain-*/log.txt"))
    assert "stopped and saved" in log.read_text()


def test_a_command_stops_when_nobody_holds_its_input() -> None:
    program = (
        "import threading, time\n"
        "from fcmae.cli.step import end_with_parent\n"
        "threading.Thread(target=end_with_parent, daemon=True).start()\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)"
    )
    line = [sys.executable, "-c", program]
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert process.poll() is None
        process.communicate()
    assert process.returncode == -signal.SIGTERM


def test_a_run_that_is_still_ending_is_waited_for(tmp_path: Path) -> None:
    folder = tmp_path / "run"

    def saving() -> None:
        with hold(folder):
            (tmp_path / "held").touch()
            time.sleep(0.5)
            (tmp_path / "let-go").touch()

    child = Child(saving)
    while not (tmp_path / "held").exists():
        time.sleep(0.01)
    looks = f"import pathlib; print(pathlib.Path({str(tmp_path / 'let-go')!r}).exists())"
    line = [sys.executable, "-c", looks]
    assert Here().run(line, folder, tmp_path / "log", 0) == 0
    assert child.wait() == 0
    assert (tmp_path / "log").read_text() == "True\n"


def test_a_signal_that_comes_while_a_child_is_started_reaches_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, start = Here(), subprocess.Popen

    def interrupted(*arguments: object, **how: object) -> object:
        child = start(*arguments, **how)
        here.stop(signal.SIGTERM)
        return child

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    line = [sys.executable, "-c", "import time; time.sleep(20)"]
    assert here.run(line, tmp_path / "run", tmp_path / "log", 0) == -signal.SIGTERM


@pytest.mark.full
def test_killed_at_random_ten_times_it_ends_with_the_same_table(desk: Desk, tmp_path: Path) -> None:
    slow = PLAN.replace("pretrain: {}", "pretrain: {seconds: 0.05}")
    calls = calls_of(lambda: desk.run(slow), within="fcmae/ablation")
    whole, draw = numbers(desk.out), random.Random(0)
    other = Desk(tmp_path / "other")
    other.root.mkdir()
    for kill in range(10):  # what is left may be over before
        last = draw.randrange(calls)
        assert killed_after(last, lambda: other.run(slow), within="fcmae/ablation") or kill > 0
    other.run(slow)
    assert numbers(other.out) == whole


def test_a_choice_of_paths_has_links_of_one_folder(desk: Desk) -> None:
    files = [desk.root / name for name in ("a.safetensors", "b.safetensors")]
    for file in files:
        file.touch()
    steps = "metric: pretrain.top1\nsteps: {pretrain: {}}\n"
    desk.run(f"{steps}best_over: {{pretrain.weights: [{files[0]}, {files[1]}]}}")
    links = {path.name for path in (desk.out / "cells" / "base" / "seed-0").iterdir()}
    assert {f"pretrain@weights={file}".replace("/", "-") for file in files} <= links


def test_the_best_is_chosen_over_the_same_values_for_all(desk: Desk) -> None:
    plan = """
    metric: finetune.top1
    seeds: [0, 1]
    steps: {pretrain: {}, finetune: {command: finetune classify, from: pretrain}}
    best_over: {finetune.rate: [0.1, 0.4, 0.7]}
    cells: {low: {finetune: {best: 0.2}}, high: {finetune: {best: 0.65}}}
    """
    low, high = desk.run(plan).rows
    assert (low.choice, high.choice) == ({"finetune.rate": "0.1"}, {"finetune.rate": "0.7"})
    assert (low.mean, high.mean) == (pytest.approx(0.9), pytest.approx(0.95))
    assert desk.calls().count("pretrain -") == 2
    folder = desk.out / "cells/low/seed-0"
    names = {path.name for path in folder.iterdir()}
    assert names == {"pretrain", "finetune", *(f"finetune@rate={x}" for x in ("0.1", "0.4", "0.7"))}
    assert (folder / "finetune").resolve() == (folder / "finetune@rate=0.1").resolve()


@pytest.mark.parametrize("metric", ["finetune.metrics.loss", "finetune.top1"])
def test_the_best_loss_is_the_lowest(metric: str, desk: Desk) -> None:
    plan = f"""
    metric: {metric}
    best_by: finetune.metrics.loss
    steps: {{finetune: {{command: finetune classify, best: 0.2}}}}
    best_over: {{finetune.rate: [0.7, 0.1, 0.4]}}"""
    (row,) = desk.run(plan).rows
    assert row.choice == {"finetune.rate": "0.1"}
    folder = desk.out / "cells/base/seed-0"
    assert (folder / "finetune").resolve() == (folder / "finetune@rate=0.1").resolve()
    (row,) = desk.run(f"{plan}\n    direction: maximize").rows
    assert row.choice == {"finetune.rate": "0.7"}


def test_what_the_best_is_chosen_by_is_told_with_its_direction(desk: Desk) -> None:
    plan = """
    metric: finetune.top1
    best_by: finetune.metrics.loss
    steps: {finetune: {command: finetune classify, best: 0.2}}
    best_over: {finetune.rate: [0.7, 0.1]}"""
    told = "The best has the lowest finetune.metrics.loss (direction: minimize)."
    said = io.StringIO()
    show_ablated(desk.standing(plan), Terminal(file=said))
    assert told in said.getvalue().splitlines()
    assert desk.run(plan).best == told
    assert (desk.out / "table.md").read_text().splitlines()[-1] == told
    facts = json.loads((desk.out / "table.json").read_text())
    assert (facts["best_by"], facts["direction"]) == ("finetune.metrics.loss", "minimize")
    assert desk.run(plan.replace("best_over", "axes")).best is None


def test_seeds_cells_and_values_may_be_added_but_not_changed(desk: Desk) -> None:
    desk.run(PLAN, seeds=[0])
    desk.calls()
    desk.run(PLAN + "  more: {pretrain: {value: 4}}\n", seeds=[0])
    assert len(desk.calls()) == 2
    with pytest.raises(CheckpointError) as told:
        desk.run(PLAN.replace("value: 3", "value: 5"))
    assert "other: pretrain.value was 3, is 5" in str(told.value)
    assert "one:" not in str(told.value)
    with pytest.raises(CheckpointError, match="scratch: the step pretrain was not there"):
        desk.run(PLAN.replace("scratch: {pretrain: null", "scratch: {pretrain: {value: 9}"))
    assert desk.calls() == []


def test_only_some_cells_are_computed_when_asked(desk: Desk) -> None:
    result = desk.run(PLAN, only=["scratch"])
    assert desk.calls() == ["finetune classify -"] * 2
    assert [row.seeds for row in result.rows] == [0, 0, 0, 2]
    desk.run(PLAN, only=["one"])
    two = desk.run(PLAN, only=["scratch"]).rows[1]
    assert (two.seeds, two.seconds, two.parameters) == (0, {}, None)  # though it shares a step


@pytest.mark.full
def test_only_some_seeds_are_computed_when_asked_and_the_table_keeps_the_others(
    desk: Desk,
) -> None:
    desk.run(PLAN, seeds=[0])
    desk.calls()
    whole = desk.run(PLAN).rows
    assert desk.run(PLAN, seeds=[1]).rows == whole
    assert {row.seeds for row in whole} == {2}
    assert {row.seeds for row in desk.run(PLAN, seeds=[7]).rows} == {3}


def test_each_gpu_has_one_step_at_a_time(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    slow = PLAN.replace("pretrain: {}", "pretrain: {seconds: 0.05}")
    desk.run(slow, gpus=2)
    assert {call.split()[-1] for call in desk.calls()} == {"0", "1"}
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    with pytest.raises(ValueError, match="gpus is 3, but CUDA_VISIBLE_DEVICES names 2"):
        desk.run(slow, gpus=3)
    desk.run(slow.replace("value: 2", "value: 7").replace("two", "three"), gpus=2)
    assert {call.split()[-1] for call in desk.calls()} <= {"3", "5"}


def test_a_step_whose_result_is_damaged_is_computed_anew(desk: Desk) -> None:
    desk.run(PLAN)
    desk.calls()
    damaged = (desk.out / "cells/two/seed-1/finetune/result.json").resolve()
    damaged.write_text(damaged.read_text()[:20])
    desk.run(PLAN)
    assert desk.calls() == ["finetune classify -"]


def test_two_runners_do_not_share_a_folder(desk: Desk) -> None:
    child = Child(lambda: desk.run(LASTING))
    wait_for_stub(desk, child)
    with pytest.raises(StorageError, match="in use by process"):
        desk.run(LASTING)
    child.send(signal.SIGTERM)
    assert child.wait() == 143
