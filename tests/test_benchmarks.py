"""Every script of benchmarks/ runs from its command line to its tables, on few and small images."""

import csv
import importlib
import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcmae.ablation.steps import unique
from fcmae.cli.ablate import wiring
from fcmae.cli.ablate.ablate import Ablate
from fcmae.cli.ablate.steps import StepCommands
from fcmae.cli.commands import COMMANDS

FOLDER = Path(__file__).parents[1] / "benchmarks"
PART_OF_OTHERS = {"timing", "kernels", "scenes"}
"""What the script for a GPU runs, or all of them have in common."""
CPU = "--device cpu --model atto --rounds 1"
LINES = {  # the line, and the tables with the number of their rows
    "cpu": ("--quick", {"steps": 12, "step-curves": 12, "roofline": 19}),
    "decoders": (f"{CPU} --size 32 --batch 2 --type float32", {"decoders": 6}),
    "gpu": (
        f"{CPU} --batch 2 --size 64 --detect 64 --segment 64 --way visible masked",
        {"kernels": 96, "steps-gpu": 5, "scenes-gpu": 8},
    ),
    "inference": (
        "--model atto --batch 1 --size 64 --rounds 1 --way ours ours-v1 reference timm onnx",
        {"inference": 5},
    ),
    "pictures": ("", {}),
    "processes": (
        "--model atto --type float32 --batch 1 --size 64 --rounds 1 --processes 2",
        {"processes": 1},
    ),
    "roofline": ("--model atto --images 1 --rounds 1 --side 64", {"roofline": 19}),
    "steps": (
        f"{CPU} --type float32 --way visible masked timm --batch 2 --size 64",
        {"steps": 6},
    ),
}
PLANS = sorted(FOLDER.glob("*.yaml"))
Run = Callable[[str, str], None]


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the scripts write instead of among the results that the pages tell of."""
    monkeypatch.syspath_prepend(FOLDER)  # they find one another in their folder
    for script in FOLDER.glob("*.py"):  # and not what other tests have imported by these names
        monkeypatch.delitem(sys.modules, script.stem, raising=False)
    timing = importlib.import_module("timing")
    monkeypatch.setattr(timing, "RESULTS", tmp_path)
    monkeypatch.setattr(timing, "PICTURES", tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(tables: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a script with a line of options, in this process."""

    def run_script(name: str, line: str) -> None:
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *shlex.split(line)])
        importlib.import_module(name).main()

    return run_script


def test_every_script_is_run_here() -> None:
    scripts = {path.stem for path in FOLDER.glob("*.py")} - PART_OF_OTHERS
    assert scripts == {*LINES, "label_efficiency", "large_photographs"}


@pytest.mark.full
@pytest.mark.filterwarnings("ignore:.*onnx", "ignore::DeprecationWarning")
@pytest.mark.parametrize("name", LINES)
def test_a_script_writes_its_tables(
    name: str, run: Run, tables: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line, expected = LINES[name]
    if name == "gpu":
        here = lambda script, *words: run(script.removesuffix(".py"), shlex.join(words))  # noqa: E731
        monkeypatch.setattr(importlib.import_module("gpu"), "run", here)
    if name == "pictures":
        for table in ("step-curves", "roofline"):
            shutil.copy(FOLDER / "results" / f"{table}.csv", tables)
    run(name, line)
    if name in ("cpu", "pictures"):
        assert {path.name for path in tables.rglob("*.png")} == {
            "step-curves.png", "roofline-cpu.png",
        }  # fmt: skip
    if name == "pictures":
        return
    found = {path.stem: rows_of(path) for path in tables.rglob("*.csv")}
    assert {table: len(rows) for table, rows in found.items()} == expected
    measured = ("ms", "gigabytes_per_s", "images_per_s")
    assert all(float(next(row[x] for x in measured if x in row)) > 0 for row in found[min(found)])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_large_photographs(run: Run, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run("large_photographs", f"{tmp_path} {tmp_path / 'large'}")
    Image.new("RGB", (32, 24), "teal").save(tmp_path / "0.jpg")
    run("large_photographs", f"{tmp_path} {tmp_path / 'large'} --count 1")
    with Image.open(tmp_path / "large" / "0.jpg") as large:
        assert large.size == (4032, 3024)


@pytest.mark.full
def test_label_efficiency(run: Run, tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for part in ("train/a", "train/b", "val/a", "val/b", "unlabeled"):
        (tmp_path / "data" / part).mkdir(parents=True)
        for number in range(4):
            pixels = draw.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "data" / part / f"{number}.png")
    out = tmp_path / "out"
    out.mkdir()
    common = "--size 32 --stem 2 --epochs 1 --batch 4 --precision float32"
    given = f"--weights {out / 'pretrain-atto'}"
    for words in (
        "pretrain",
        "finetune --labels 2",
        f"finetune {given}",
        "probe",
        f"probe {given}",
    ):
        run("label_efficiency", f"{tmp_path / 'data'} {out} {words} {common}")
    rows = rows_of(out / "results.csv")
    probed = ["neighbours top1", "linear top1", "feature distance"]
    assert [row["what"] for row in rows] == [
        "pretrain loss", "finetune top1", "finetune top1", *probed, *probed,
    ]  # fmt: skip
    assert 0.5 < float(rows[0]["value"]) < 1.5
    assert all(0 <= float(distance) <= 1 for distance in rows[-1]["value"].split())
    assert len(rows[-1]["value"].split()) == 12
    assert [row["init"] for row in rows[1:3]] == ["scratch", "pretrain-atto"]


@pytest.mark.parametrize("plan", PLANS, ids=lambda path: path.stem)
def test_a_plan_can_be_run(plan: Path, tmp_path: Path) -> None:
    options = Ablate(plan=str(plan), data=tmp_path, labelled=tmp_path, out=tmp_path / "out")
    found = wiring.check(options, StepCommands(COMMANDS))
    assert len(unique(found.settings)) > len(found.plan.cells) > 1
