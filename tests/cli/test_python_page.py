"""The code of docs/python.md runs from top to bottom."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from fcmae.checkpoint.weights import save_weights
from fcmae.model.detector import Detector
from fcmae.model.options import Architecture, MaskRCNN

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


def toy_data(root: Path) -> None:
    """Photos, labelled images, and a detector that has learnt nothing."""
    draw = np.random.default_rng(0)

    def save(path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draw.integers(0, 255, (72, 80, 3), dtype=np.uint8)).save(path)

    save(root / "photo.jpg")
    for number in range(8):
        save(root / "photos" / f"{number}.png")
        save(root / "labelled" / "train" / ("cat", "dog")[number % 2] / f"{number}.png")
        save(root / "labelled" / "val" / ("cat", "dog")[number % 2] / f"{number}.png")
    torch.manual_seed(0)
    small = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8))
    detector = Detector(small, num_classes=2, head=MaskRCNN(width=16))
    (root / "runs" / "detect").mkdir(parents=True)
    facts = {"size": [64, 64], "mean": [0.5] * 3, "std": [0.2] * 3, "classes": ["a", "b"]}
    save_weights(root / "runs" / "detect" / "weights.safetensors", detector, facts)


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toy_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    snippets = re.findall(r"```python\n(.+?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(snippets) >= 8
    for snippet in snippets:
        exec(compile(snippet, PAGE.name, "exec"), names)
    assert np.shape(names["vectors"]) == (2, 320)
