"""The whole way of a user on a dozen small pictures: each command takes what the last one left."""

import csv
import html
import json
import re
import shlex
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close

import fcmae
from fcmae.cli.commands import COMMANDS
from fcmae.cli.main import main
from fcmae.options.parse import build, read_command_line
from fcmae.training import Pretrain

QUICK = ["--run.device", "cpu", "--loader.workers", "0"]
SHORT = ["--size", "64", "--optim.warmup_epochs", "0", "--optim.batch_size", "4", *QUICK]


def told(words: list[str], capsys: pytest.CaptureFixture[str], *, code: int = 0) -> dict[str, Any]:
    """Run a command with ``--json -``: standard output must be JSON and nothing else."""
    assert main([*words, "--json", "-"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


@pytest.fixture(scope="module")
def runs(places: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A pre-training and a fine-tuning of a few steps, with what they reported."""
    root = tmp_path_factory.mktemp("runs")
    data, pre, fine = places.labelled, root / "pretrained", root / "classifier"
    pretrain = [
        "pretrain", "--data", f"{data}", "--out", f"{pre}", *SHORT, "--optim.epochs", "1",
        "--decoder.width", "32", "--monitor.images", "4", "--monitor.pictures", "2",
        "--monitor.labelled", f"{data}", "--json", f"{root}/pretrain.json",
    ]  # fmt: skip
    finetune = [
        "finetune", "classify", "--data", f"{data}", "--weights", f"{pre}", "--out", f"{fine}",
        *SHORT, "--optim.epochs", "1", "--json", f"{root}/finetune.json",
    ]  # fmt: skip
    assert main(pretrain) == 0
    assert main(finetune) == 0
    return SimpleNamespace(
        root=root,
        classes=list(places.classes),
        pre=pre,
        fine=fine,
        pretrain_words=pretrain,
        finetune_words=finetune,
        pretrained=json.loads((root / "pretrain.json").read_text()),
        finetuned=json.loads((root / "finetune.json").read_text()),
    )


def test_pretraining_leaves_weights_pictures_and_numbers(runs: SimpleNamespace) -> None:
    result = runs.pretrained
    assert (result["images"], result["steps"], result["epochs"]) == (12, 3, 1)
    assert Path(result["weights"]).is_file()
    names = {path.name for path in Path(result["pictures"]).iterdir()}
    distance = {"feature_distance.png", "feature_distance.json"}
    assert names == {"reconstructions-0001.png"} | distance
    assert 0.5 < result["metrics"]["loss"] < 1.5
    assert 0 < result["metrics"]["feature_distance/min"] <= 0.5
    assert 0 <= result["metrics"]["neighbours/top1"] <= 1


def test_a_report_tells_of_both_runs(runs: SimpleNamespace) -> None:
    """The numbers are those of the runs, and the commands would make them again."""
    told = fcmae.report(runs=[runs.pre, runs.fine], out=runs.root / "pages" / "report.html")
    assert (told.runs, told.unfinished, told.missing) == (["pretrained", "classifier"], [], {})
    assert told.size == told.out.stat().st_size
    text = html.unescape(told.out.read_text(encoding="utf-8"))
    for words in (runs.pretrain_words, runs.finetune_words):
        name = " ".join(words[: words.index("--data")])
        (shown,) = re.findall(f"<code>(fcmae {name} .*)</code>", text)
        kind = COMMANDS[name].options
        lines = (words[len(name.split()) : -2], shlex.split(shown)[1 + len(name.split()) :])
        given, again = (build(kind, read_command_line(line, kind).values) for line in lines)
        assert again == given
    for result in (runs.pretrained, runs.finetuned):
        assert f'value="{json.dumps(result["metrics"]["loss"])}"' in text
    for label in ("pre-training (FCMAE)", "Feature distance of blocks", "Each class"):
        assert label in text


def test_a_finished_run_is_not_run_again(
    runs: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (runs.pre / "weights.safetensors").stat().st_mtime_ns
    assert main([*runs.pretrain_words[:-2], "--monitor.pictures", "1"]) == 0
    assert "finished already" in capsys.readouterr().err
    assert (runs.pre / "weights.safetensors").stat().st_mtime_ns == before


def test_a_run_does_not_go_on_with_other_options(
    runs: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*runs.pretrain_words[:-2], "--mask.ratio", "0.5"]) == 3
    assert "mask.ratio: 0.6 before, 0.5 now" in capsys.readouterr().err


@pytest.mark.full
def test_a_run_goes_on_with_what_it_left_open_said_outright(
    runs: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    said = ["--model", "atto", "--grn.kind", "grn", "--run.micro_batch", "4"]
    assert main([*runs.pretrain_words[:-2], *said, "--mask.patch", "32"]) == 0
    assert main([*runs.finetune_words[:-2], *said]) == 0
    assert capsys.readouterr().err.count("finished already") == 2
    assert main([*runs.finetune_words[:-2], "--grn.stages", "1,2,3"]) == 3
    assert "grn.stages: null before, [1, 2, 3] now" in capsys.readouterr().err


def test_a_run_can_be_repeated_from_the_options_that_it_wrote(runs: SimpleNamespace) -> None:
    kind, again = Pretrain, ["--config", str(runs.pre / "options.json")]
    first = build(kind, read_command_line(runs.pretrain_words[1:-2], kind).values)
    second = build(kind, read_command_line(again, kind).values)
    assert replace(second, monitor=first.monitor) == first


def test_finetuning_starts_from_the_encoder_and_names_the_classes(runs: SimpleNamespace) -> None:
    result = runs.finetuned
    assert (result["train_images"], result["val_images"], result["steps"]) == (8, 4, 2)
    assert 0 <= result["top1"] <= result["best_top1"] <= 1
    assert [row["name"] for row in result["per_class"]] == runs.classes
    assert (runs.fine / "pictures" / "confusion.png").is_file()
    # Two steps at the lowest layer's rate move the stem by next to nothing.
    stems = [fcmae.load(run).encoder.stem.weight for run in (runs.pre, runs.fine)]
    assert_close(stems[0], stems[1], rtol=0, atol=2e-3)


def test_a_run_remembers_the_normalisation_and_the_size(
    runs: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = told(["info", "--weights", f"{runs.fine}"], capsys)
    assert (answer["kind"], answer["size"], answer["classes"]) == ("classifier", [64, 64], 2)
    assert answer["class_names"] == runs.classes
    loaded = fcmae.load(runs.fine)
    assert answer["parameters"] == sum(p.numel() for p in loaded.parameters())


def test_evaluation_agrees_with_the_run(
    runs: SimpleNamespace, places: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "classify", "--data", f"{places.labelled}", "--weights", f"{runs.fine}"]
    answer = told([*words, "--out", f"{runs.root}/evaluation", *QUICK], capsys)
    assert answer["top1"] == runs.finetuned["top1"]
    assert answer["images"] == 4
    assert sum(map(sum, answer["confusion"])) == 4
    with (runs.root / "evaluation" / "per_class.csv").open(newline="") as file:
        assert [row["name"] for row in csv.DictReader(file)] == runs.classes
    assert (runs.root / "evaluation" / "confusion.png").is_file()


@pytest.mark.parametrize("how", ["neighbours", "linear"])
@pytest.mark.parametrize("trained", [True, False])
def test_features_are_evaluated(
    how: str,
    trained: bool,
    runs: SimpleNamespace,
    places: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
) -> None:
    weights = ["--weights", f"{runs.pre}"] if trained else ["--size", "64"]
    answer = told(["evaluate", how, "--data", f"{places.labelled}", *weights, *QUICK], capsys)
    assert (answer["train_images"], answer["images"]) == (8, 4)
    assert 0 <= answer["top1"] <= 1
    assert (answer["weight_decay"] is not None) == (how == "linear")


def test_prediction_names_the_likeliest_classes(
    runs: SimpleNamespace, places: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = runs.root / "broken.png"
    broken.write_bytes(b"not a picture")
    out = runs.root / "predictions.npz"
    words = ["predict", "classify", "--data", f"{places.labelled}", f"{broken}", *QUICK]
    answer = told([*words, "--weights", f"{runs.fine}", "--out", f"{out}"], capsys)
    assert answer["images"] == 12
    assert [entry["path"] for entry in answer["unusable"]] == [str(broken)]
    assert sum(answer["classes"].values()) == 12
    with np.load(out) as table:
        assert table["probabilities"].shape == (12, 2)
        np.testing.assert_allclose(table["probabilities"].sum(axis=1), 1, rtol=1e-5)
        best = table["probabilities"].argmax(axis=1)
        assert table["class_1"].tolist() == [runs.classes[i] for i in best]
        assert sorted(table["path"])[0].endswith("0.png")
    assert (runs.root / "predictions-unusable.csv").is_file()


def test_embedding_is_the_input_of_the_head(
    runs: SimpleNamespace, places: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    out = runs.root / "features.csv"
    words = ["embed", "--data", f"{places.labelled}/val", "--weights", f"{runs.fine}", *QUICK]
    answer = told([*words, "--out", f"{out}", "--run.batch_size", "3"], capsys)
    assert (answer["images"], answer["width"], answer["unusable"]) == (4, 320, [])
    predicted = runs.root / "again.npz"
    words[0:1] = ["predict", "classify"]
    told([*words, "--out", f"{predicted}"], capsys)
    with out.open(newline="") as file:
        rows = [[float(x) for x in list(row.values())[1:]] for row in csv.DictReader(file)]
    with torch.no_grad():
        logits = fcmae.load(runs.fine).head(torch.tensor(rows))
    with np.load(predicted) as table:
        expected = torch.from_numpy(table["probabilities"])
    assert_close(logits.softmax(dim=1), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "results",
    [
        ("evaluate classify", "confusion.png"),
        ("reconstruct", "reconstructions-001.png"),
        ("analyze", "feature_distance.csv"),
    ],
)
def test_results_do_not_go_among_images_nor_over_files_of_others(
    results: tuple[str, str],
    runs: SimpleNamespace,
    places: SimpleNamespace,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command, mine = results
    data = places.labelled / "val"
    weights = f"{runs.fine if command == 'evaluate classify' else runs.pre}"
    words = [*command.split(), "--data", f"{data}", "--weights", weights, *QUICK]
    words += ["--what", "feature_distance"] if command == "analyze" else []
    assert main([*words, "--out", f"{data}/dune"]) == 6
    assert "must not be in a folder that is searched for images" in capsys.readouterr().err
    assert main([*words, "--out", f"{runs.pre}"]) == 4
    assert f"{runs.pre} holds a run" in capsys.readouterr().err
    (tmp_path / mine).write_text("mine")
    assert main([*words, "--out", f"{tmp_path}"]) == 4
    assert f"{tmp_path / mine} is there already and was not written" in capsys.readouterr().err
    assert (tmp_path / mine).read_text() == "mine"
    (tmp_path / mine).unlink()
    for _ in range(2):  # one's own may be written anew
        assert main([*words, "--out", f"{tmp_path}"]) == 0
    assert (tmp_path / mine).is_file()


def test_reconstruction_draws_pictures(
    runs: SimpleNamespace, places: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["reconstruct", "--data", f"{places.labelled}", "--weights", f"{runs.pre}", *QUICK]
    answer = told(
        [*words, "--out", f"{runs.root}/drawn", "--images", "3", "--rows", "2", "--ratio", "0.5"],
        capsys,
    )
    assert answer["images"] == 3
    assert [Path(path).is_file() for path in answer["pictures"]] == [True, True]
    assert 0.5 < answer["loss"] < 2


def test_the_python_interface_runs_a_command(places: SimpleNamespace, tmp_path: Path) -> None:
    result = fcmae.embed(
        data=places.flat,
        weights=places.pretrained,
        out=tmp_path / "features.npz",
        run={"device": "cpu"},
        loader={"workers": 0},
    )
    assert (result.images, result.width) == (4, 320)
    assert result.out.is_file()


def test_check_counts_and_names(
    places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = told(["check", f"{places.labelled}/train", "--loader.workers", "0"], capsys)
    assert (answer["usable"], answer["unusable"]) == (8, [])
    assert answer["classes"] == {"dune": 4, "forest": 4}
    (tmp_path / "bad.png").write_bytes(b"no picture")
    answer = told(["check", f"{tmp_path}", "--loader.workers", "0"], capsys, code=6)
    assert answer["usable"] == 0
    assert answer["unusable"][0]["path"] == "bad.png"
    assert "it begins with" in answer["unusable"][0]["reason"]


def test_the_benchmark_compares_three_ways(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "pretrain", "--size", "64", "--ratio", "0.75", "--batch_size", "1"]
    answer = told([*words, "--rounds", "1", "--run.device", "cpu"], capsys)
    row = answer["rows"][0]
    assert set(row["seconds"]) == {"visible", "masked_dense", "dense"}
    assert row["visible_share"] == 0.25
    assert row["speedup_over_masked_dense"] == pytest.approx(
        row["seconds"]["masked_dense"] / row["seconds"]["visible"]
    )


def test_progress_goes_to_standard_error(
    runs: SimpleNamespace, places: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["info", "--weights", f"{runs.pre}"]) == 0
    said = capsys.readouterr()
    assert "autoencoder" in said.out
    assert said.err == ""
