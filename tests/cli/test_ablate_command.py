"""A plan of two tiny cells from the command line to its table, with real trainings."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from fcmae.cli.main import main

PLAN = """
title: A tiny comparison
metric: finetune.top1
common:
  size: 64
  loader: {workers: 0}
  run: {device: cpu}
  optim: {epochs: 1, warmup_epochs: 0, batch_size: 4}
steps:
  pretrain: {decoder: {width: 32}, monitor: {images: 4, pictures: 1}}
  finetune: {command: finetune classify, from: pretrain}
  look:
    command: analyze
    from: pretrain
    what: [feature_distance, class_selectivity, inactive_channels, effective_rank]
also:
  distance: look.summary.feature_distance.last
  dead: look.summary.inactive_channels.dead maps of the last block
  selectivity: look.summary.class_selectivity.median of the last block
  rank: look.summary.effective_rank.stage 4
cells:
  pretrained: {paper: 84.6}
"""
TOO_MUCH = "  too-much: {paper: 83.8, finetune: {optim: {batch_size: 9}}}\n"


@pytest.mark.full
def test_a_plan_trains_compares_and_says_what_failed(
    places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, out = tmp_path / "plan.yaml", tmp_path / "out"
    words = ["ablate", str(plan), "--data", f"{places.flat}", "--labelled", f"{places.labelled}"]
    words += ["--out", str(out), "--json", f"{tmp_path}/told.json"]
    plan.write_text(PLAN + TOO_MUCH)
    assert main(words) == 7
    said = capsys.readouterr()
    assert "too-much, seed 0: finetune failed: optim.batch_size is 9, but" in said.err
    assert "3 of 4 steps are done." in said.err
    assert "\nfcmae: 1 of the plan's steps failed, the rest is done" in said.err
    assert said.out == ""

    plan.write_text(PLAN)
    assert main(words) == 0
    said = capsys.readouterr()
    assert "[1/" not in said.err
    assert "3 of 3 steps are done." in said.out
    told = json.loads((tmp_path / "told.json").read_text())
    (row,) = told["rows"]
    seed = out / "cells" / "pretrained" / "seed-0"
    own = json.loads((seed / "finetune" / "result.json").read_text())
    assert row["mean"] == own["result"]["top1"]
    looked = json.loads((seed / "look" / "result.json").read_text())["result"]["summary"]
    assert {head: also["mean"] for head, also in row["also"].items()} == {
        "distance": looked["feature_distance"]["last"],
        "dead": looked["inactive_channels"]["dead maps of the last block"],
        "selectivity": looked["class_selectivity"]["median of the last block"],
        "rank": looked["effective_rank"]["stage 4"],
    }
    assert 0 < looked["feature_distance"]["last but one"] < 1
    assert told["columns"][:7] == [
        "cell", "finetune.top1", "seeds", "paper", "distance", "dead", "selectivity",
    ]  # fmt: skip
    assert (seed / "look" / "effective_rank.csv").is_file()
    assert row["parameters"] > 3_000_000
    assert {"weights.safetensors", "metrics.jsonl", "log.txt", "step.yaml"} <= {
        path.name for path in (seed / "finetune").iterdir()
    }
    options = json.loads((seed / "finetune" / "options.json").read_text())
    assert Path(options["weights"]) == (seed / "pretrain").resolve()
    assert Path(told["table"]["png"]).is_file()


def test_images_without_classes_are_refused_before_anything_is_computed(
    places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, out = tmp_path / "plan.yaml", tmp_path / "out"
    plan.write_text(PLAN)
    words = ["ablate", str(plan), "--data", f"{places.flat}", "--out", str(out)]
    assert main(words) == 6
    said = capsys.readouterr().err
    assert said.startswith("fcmae: step finetune: ")
    assert said.endswith("Or give images with labels as --labelled.\n")
    assert "labels need one folder per class directly inside" in said
    assert said.count("\n") == 1
    assert not out.exists()


def test_a_classifier_cannot_be_tested_on_images_without_classes(
    places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, out = tmp_path / "plan.yaml", tmp_path / "out"
    test = f"{{command: evaluate classify, weights: {places.classifier}}}"
    plan.write_text(f"metric: test.top1\nsteps: {{pretrain: {{}}, test: {test}}}\n")
    assert main(["ablate", str(plan), "--data", f"{places.flat}", "--out", str(out)]) == 6
    assert capsys.readouterr().err.startswith("fcmae: step test: ")
    assert not out.exists()
