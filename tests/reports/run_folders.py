"""Folders of runs with all that a run may leave, written without training."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

BLOCKS = 12
HOSTILE = "</script><script>window.hacked = true</script><img src=x onerror='window.hacked = true'>"


def losses(seed: int, steps: int) -> list[float]:
    """Numbers with many digits, so that rounding would show."""
    draw = np.random.default_rng(seed)
    return [float(x) for x in np.exp(-np.arange(steps) / steps) + 0.01 * draw.random(steps)]


def write_run(
    root: Path,
    *,
    seed: int = 0,
    steps: int = 40,
    per_epoch: int = 5,
    options: dict[str, Any] | None = None,
    finished: bool = True,
    evaluated: str = "neighbours/top1",
) -> Path:
    """A run: metrics, options, environment, pictures of two epochs, an analysis."""
    (root / "pictures").mkdir(parents=True)
    lines: list[dict[str, Any]] = []
    for step, loss in enumerate(losses(seed, steps), start=1):
        place = {"step": step, "epoch": step / per_epoch}
        lines.append({"kind": "train", **place, "loss": loss, "lr": 1e-4 / step, "grad_norm": 1.5})
        if step % per_epoch == 0:
            blocks = {f"feature_distance/block_{i:02}": 0.5 - i / 100 for i in range(BLOCKS)}
            lines.append({"kind": "evaluation", **place, evaluated: step / 100, **blocks})
    write_lines(root, lines)
    mine = {"data": "photos", "out": str(root), "model": "atto", "size": 64, **(options or {})}
    optim = {"base_lr": 1e-3 * (seed + 1), "epochs": steps // per_epoch, "batch_size": 16}
    (root / "options.json").write_text(json.dumps({"optim": optim, **mine}))
    start = {"step": 0, "torch": "2.14.1", "commit": "f00d", "device": "cpu", "processes": 1}
    (root / "environment.json").write_text(json.dumps([start]))
    for epoch in (1, 4, 8):
        picture(epoch).save(root / "pictures" / f"reconstructions-{epoch:04}.png")
    picture(0).save(root / "pictures" / "confusion.png")
    if finished:
        (root / "weights.safetensors").write_bytes(b"")
    return root


def write_lines(root: Path, lines: list[dict[str, Any]]) -> None:
    """The metrics of a run."""
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (root / "metrics.jsonl").write_text(text)


def write_classes(root: Path) -> None:
    """A table per class."""
    rows = [
        {"name": "dune", "images": 10, "recall": 0.7, "precision": None},
        {"name": "<b>sea</b>", "images": 12, "recall": 0.25, "precision": 0.5},
    ]
    (root / "accuracy.json").write_text(json.dumps({"top1": 0.5, "per_class": rows}))


def write_analysis(root: Path, entries: list[dict[str, Any]]) -> None:
    """What ``fcmae analyze`` leaves: a picture with a table, and its entries."""
    folder = root / "analysis"
    folder.mkdir()
    picture(5).save(folder / "selectivity.png")
    (folder / "selectivity.csv").write_text("block,index\n1,0.125\n2,0.375\n")
    (folder / "analysis.json").write_text(json.dumps(entries))


def entry(**changed: Any) -> dict[str, Any]:
    """An entry of ``analysis.json``."""
    whole = {
        "name": "selectivity",
        "title": "Class selectivity",
        "picture": "selectivity.png",
        "alt": "Histograms of class selectivity, one per stage",
        "numbers": "selectivity.csv",
        "summary": {"mean": 0.25, "most selective": "block 2"},
    }
    return {**whole, **changed}


def picture(seed: int, side: int = 48) -> Image.Image:
    """Something to look at."""
    draw = np.random.default_rng(seed)
    return Image.fromarray(draw.integers(0, 255, (side, side, 3), dtype=np.uint8))
