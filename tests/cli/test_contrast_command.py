"""``fcmae contrast`` on a dozen small pictures, and what the other commands make of its run."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.weights import load_model
from fcmae.cli.main import main
from fcmae.model.contraster import Contraster

QUICK = ["--run.device", "cpu", "--loader.workers", "0"]
SHORT = ["--size", "32", "--optim.warmup_epochs", "0", "--optim.batch_size", "4", *QUICK]


@pytest.fixture(scope="module")
def run(places: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of three steps."""
    out = tmp_path_factory.mktemp("contrast") / "run"
    words = [
        "contrast", "--data", f"{places.labelled}", "--out", f"{out}", *SHORT,
        "--optim.epochs", "1", "--projection.hidden", "16", "--monitor.images", "4",
        "--monitor.labelled", f"{places.labelled}", "--json", f"{out}.json",
    ]  # fmt: skip
    assert main(words) == 0
    return out


def test_a_run_leaves_weights_numbers_and_a_curve(run: Path) -> None:
    result = json.loads(Path(f"{run}.json").read_text())
    assert (result["images"], result["steps"], result["epochs"]) == (12, 3, 1)
    names = {path.name for path in (run / "pictures").iterdir()}
    assert names == {"feature_distance.png", "feature_distance.json"}
    assert 0 < result["metrics"]["loss"] < 5
    assert 0 <= result["metrics"]["neighbours/top1"] <= 1
    last = json.loads((run / "metrics.jsonl").read_text().splitlines()[0])
    assert {"accuracy", "spread", "grad_norm"} <= last.keys()


@pytest.mark.full
def test_analyses_are_those_of_its_encoder(
    run: Path, places: SimpleNamespace, tmp_path: Path
) -> None:
    found = fcmae.analyze(
        weights=run,
        data=places.labelled,
        out=tmp_path / "out",
        what=["feature_distance", "effective_rank", "activation_maps", "class_selectivity"],
        run={"device": "cpu"},
        loader={"workers": 0},
    )
    assert found.skipped == {}
    rows = (tmp_path / "out" / "effective_rank.csv").read_text().splitlines()
    assert len(rows) == 1 + 12  # the momentum encoder's blocks are no others


@pytest.mark.full
def test_the_run_is_weights_for_every_other_command(
    run: Path, places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = ["--data", f"{places.labelled}", "--weights", f"{run}"]
    for words in (
        ["finetune", "classify", *data, "--out", f"{tmp_path}/c", *SHORT, "--optim.epochs", "1"],
        ["evaluate", "neighbours", *data, *QUICK],
        ["embed", *data, "--out", f"{tmp_path}/features.npz", *QUICK],
        ["export", "--weights", f"{run}", "--out", f"{tmp_path}/timm", "--format", "timm"],
        ["info", "--weights", f"{run}"],
    ):  # fmt: skip
        assert main(words) == 0, capsys.readouterr().err
    assert "contraster" in capsys.readouterr().out
    encoder = load_model(run)[0]
    assert isinstance(encoder, Contraster)
    assert_close(fcmae.load(run).state_dict(), encoder.state_dict(), rtol=0, atol=0)


@pytest.mark.full
def test_a_run_may_begin_with_the_weights_of_another_and_its_copy_begins_equal(
    run: Path, places: SimpleNamespace, tmp_path: Path
) -> None:
    out = fcmae.contrast(
        data=places.flat,
        out=tmp_path / "on",
        weights=str(run),
        size=32,
        optim={"batch_size": 2, "epochs": 1, "base_lr": 0.0, "weight_decay": 0.0},
        projection={"hidden": 16},
        run={"device": "cpu"},
        loader={"workers": 0},
        monitor={"images": 2},
    )
    before, after = load_model(run)[0].state_dict(), load_model(out.out)[0].state_dict()
    for name, x in after.items():
        if "running" not in name:
            assert torch.equal(x, before[name.removeprefix("momentum_")]), name


def test_a_decoder_is_not_looked_for_in_it(
    run: Path, tmp_path: Path, places: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reconstruct", "--data", f"{places.flat}", "--weights", f"{run}"]
    assert main([*words, "--out", f"{tmp_path}/pictures"]) == 3
    said = capsys.readouterr().err
    assert "holds a contraster, but this command needs an autoencoder" in said
