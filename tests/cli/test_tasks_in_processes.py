"""Detectors and segmenters in two processes: they do what one does, and judge every image once."""

import json
from pathlib import Path
from typing import Any

import pytest
from test_detect_commands import squares
from test_segment_commands import scene

from fcmae.cli.main import main
from forking import IGNORE_THREADS, together

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)
HOW = [
    "--size", "64", "--optim.epochs", "1", "--optim.batch_size", "2", "--optim.warmup_epochs", "0",
    "--run.log_every", "1", "--run.device", "cpu", "--run.precision", "float32",
    "--loader.workers", "0",
]  # fmt: skip
DETECT = ["--head.width", "8", "--head.proposals", "16", "--suppression.min_score", "0"]
OWN = {
    "detect": DETECT,
    "detect, by windows": [*DETECT, "--tiles.size", "32", "--repeats", "2"],
    "segment": ["--head.width", "16", "--head.auxiliary_width", "16", "--head.dropout", "0"],
}
MEASURED = {
    "detect": "precision.json",
    "detect, by windows": "precision.json",
    "segment": "accuracy.json",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Four images to learn from and three to judge, which two processes cannot share equally."""
    root = tmp_path_factory.mktemp("data")
    for part, count in (("train", 4), ("val", 3)):
        for number in range(count):
            name = f"{part}/{number}.png"
            scene(root / "images" / name, root / "masks" / name, 10 * number + count)
    (root / "classes.txt").write_text("ground\nsquare\n")
    boxes = squares(root / "squares", val=3)
    return {"segment": root, "detect": boxes, "detect, by windows": boxes}


def train(task: str, data: Path, out: Path, *more: str) -> None:
    words = [
        "finetune",
        task.split(",", maxsplit=1)[0],
        "--data",
        f"{data}",
        "--out",
        f"{out}",
        *HOW,
        *OWN[task],
        *more,
    ]
    assert main(words) == 0


def lines(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def alone(data: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same in one process."""
    root = tmp_path_factory.mktemp("alone")
    for task in MEASURED:
        train(task, data[task], root / task)
    return {task: root / task for task in MEASURED}


@pytest.mark.full
@pytest.mark.parametrize("strategy", ["ddp", pytest.param("fsdp", marks=pytest.mark.slow)])
@pytest.mark.parametrize("task", MEASURED)
def test_two_processes_do_what_one_does(
    task: str, strategy: str, alone: dict[str, Path], data: dict[str, Path], tmp_path: Path
) -> None:
    how = ["--run.strategy", strategy]
    assert together(lambda: train(task, data[task], tmp_path, *how)) == [0, 0]
    one, two = lines(alone[task]), lines(tmp_path)
    assert two[0]["loss"] == pytest.approx(one[0]["loss"], rel=1e-6)
    assert [line["step"] for line in two] == [line["step"] for line in one]
    last, expected = two[-1], one[-1]
    assert last.keys() == expected.keys()
    numbers = [name for name in expected if name.startswith("val/")]
    assert [last[n] for n in numbers] == pytest.approx([expected[n] for n in numbers], abs=2e-3)
    measured = [json.loads((out / MEASURED[task]).read_text()) for out in (tmp_path, alone[task])]
    assert measured[0]["images"] == measured[1]["images"] == 3
