"""The benchmarks run: each of their eager ways once, on few and small images."""

import argparse
import importlib
from pathlib import Path

import pytest
import torch

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Benchmarks find one another in their folder."""
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "benchmarks")


def test_steps() -> None:
    steps = importlib.import_module("steps")
    setting = steps.Setting(model="atto", type="float32", batch=2, size=64)
    args = argparse.Namespace(device="cpu", rounds=1)
    for made in (
        steps.pretraining(setting, CPU, ["visible", "masked", "timm"]),
        steps.dense(setting, CPU),
    ):
        rows = list(steps.timed("any", made, setting, args))
        assert [row["way"] for row in rows] == list(made)
        assert all(float(row["ms"]) > 0 for row in rows)


def test_decoders() -> None:
    decoders = importlib.import_module("decoders")
    args = argparse.Namespace(
        device="cpu", model="atto", stem=2, size=32, batch=2, type="float32", rounds=1
    )
    rows = list(decoders.rows(args))
    assert [row["decoder"] for row in rows] == list(decoders.DECODERS)
    assert rows[0]["of_block"] == "1.00"
    assert rows[0]["decoder_parameters"] < rows[1]["decoder_parameters"]


def test_scenes() -> None:
    scenes = importlib.import_module("scenes")
    args = argparse.Namespace(
        device="cpu", model=["atto"], type="float32", detect=64, segment=64, batch=1, rounds=1
    )
    rows = list(scenes.rows(args))
    ways = [(of, kind) for of in ("detect", "segment") for kind in ("training", "inference")]
    assert [(row["of"], row["kind"]) for row in rows] == [way for way in ways for _ in range(2)]
    assert [row["encoder"] for row in rows] == ["ours", "timm"] * 4


def test_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    inference = importlib.import_module("inference")
    monkeypatch.setattr(inference, "SIZE", 64)
    ways = ["ours", "ours-v1", "reference", "timm"]
    args = argparse.Namespace(model=["atto"], batch=[1], way=ways, rounds=1)
    assert [row["way"] for row in inference.rows(args)] == ways


def test_roofline() -> None:
    roofline = importlib.import_module("roofline")
    for name, _, flops, moved, run in roofline.operations("atto", images=1):
        assert moved > 0
        if name.startswith(("depthwise", "expand")):
            assert run().isfinite().all()
            assert flops > 0
