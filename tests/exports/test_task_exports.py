"""Exports of segmenters, estimators and detectors compute what the model computes."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.card import LabelMapMeaning
from fcmae.checkpoint.header import read_card
from fcmae.checkpoint.weights import save_weights
from fcmae.exports.parts import tensors_of
from fcmae.model.detector import Detector
from fcmae.model.estimator import Estimator
from fcmae.model.options import Architecture, MaskRCNN, UPerNet
from fcmae.model.segmenter import Segmenter

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(8, 16, 24, 32))
NAMES = ["ground", "square", "bar"]
LABELS = {"ignore_index": 255, "reduce_zero_label": False}
MODELS = {
    "segmenter": lambda: Segmenter(
        SMALL, num_classes=3, head=UPerNet(width=16, auxiliary_width=16)
    ),
    "estimator": lambda: Estimator(SMALL, num_values=3, kind="numbers"),
    "detector": lambda: Detector(SMALL, num_classes=3, head=MaskRCNN(width=16), masks=True),
}


def run_of(kind: str, folder: Path) -> tuple[nn.Module, Path]:
    """A model with weights as a run leaves them."""
    model = MODELS[kind]().eval()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, mean=1.0, std=0.3)
    folder.mkdir()
    card: dict[str, Any] = {"size": [64, 64], "classes": NAMES, "labels": LABELS}
    save_weights(folder / "weights.safetensors", model, card)
    return model, folder


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", MODELS)
def test_each_model_is_written_whole_and_still_predicts(kind: str, tmp_path: Path) -> None:
    model, run = run_of(kind, tmp_path / "run")
    exported = fcmae.export(weights=run, format="safetensors")
    assert exported.part == kind
    again = fcmae.load(exported.files[-1])
    assert_close(dict(again.state_dict()), dict(model.state_dict()), rtol=0, atol=0)
    card = read_card(exported.files[-1])
    assert (card.classes, card.labels) == (tuple(NAMES), LabelMapMeaning(**LABELS))
    picture = np.random.default_rng(0).integers(0, 255, (70, 90, 3), dtype=np.uint8)
    ours, theirs = fcmae.load(run).predict(picture), again.predict(picture)
    match kind:
        case "segmenter":
            assert (ours.mask == theirs.mask).all()
            assert ours.mask.shape == (70, 90)
        case "estimator":
            assert ours == theirs
            assert list(ours) == NAMES
        case "detector":
            assert_close(ours.boxes, theirs.boxes, rtol=0, atol=0)
    text = (exported.out / "README.md").read_text()
    assert f"ConvNeXt V2, {kind}" in text
    assert "1. square" in text


def test_a_detector_has_no_graph_and_the_way_out_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, run = run_of("detector", tmp_path / "run")
    with pytest.raises(ValueError, match="onnx has no place for a detector"):
        fcmae.export(weights=run, format="onnx", part="detector")
    assert fcmae.export(weights=run, format="official").part == "pyramid"
    said = capsys.readouterr().err
    assert "official gets the detector's pyramid alone" in said
    assert "fcmae.load(RUN).predict(image) runs all of it" in said


def test_the_encoder_of_an_estimator_comes_with_the_norm_of_its_features(tmp_path: Path) -> None:
    model, _ = run_of("estimator", tmp_path / "run")
    norm = tensors_of(model, "encoder")["norm.weight"]
    assert_close(norm, model.get_submodule("norm").weight, rtol=0, atol=0)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["onnx", "torch-export"])
@pytest.mark.parametrize("kind", ["segmenter", "estimator"])
def test_a_graph_takes_odd_batches_and_other_sizes(kind: str, format: str, tmp_path: Path) -> None:
    model, run = run_of(kind, tmp_path / "run")
    # In a process whose types nobody checks: sizes are symbols in a graph.
    command = [sys.executable, "-m", "fcmae", "export", str(run), "--format", format]
    done = subprocess.run([*command, "--json", "-"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["part"], told["difference"] < 1e-4) == (kind, True)
    for images in (torch.randn(3, 3, 64, 64), torch.randn(1, 3, 96, 160)):
        names: dict[str, Any] = {"images": images.numpy() if format == "onnx" else images}
        exec("\n".join(told["lines"]), names)
        found = names["outputs"]
        theirs = torch.from_numpy(found[0]) if format == "onnx" else found
        assert_close(theirs, model(images).detach(), rtol=1e-4, atol=1e-4)
