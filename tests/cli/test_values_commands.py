"""Several labels or numbers per image, from the list to the table."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fcmae.cli.main import main
from fcmae.cli.show.values import in_words
from fcmae.evaluation.values import ValueScore

QUICK = ["--run.device", "cpu", "--loader.workers", "0"]


def told(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*words, "--json", "-"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.full(but=["labels"])
@pytest.mark.parametrize("kind", ["labels", "numbers"])
def test_what_is_learnt_is_measured_and_written(
    kind: str, places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = sorted(places.labelled.rglob("*.png"))
    lines = ["path,forest,number"] + [
        f"{path},{int('forest' in str(path))},{i % 2 if kind == 'labels' else 100 + i}"
        for i, path in enumerate(files)
    ]
    source = tmp_path / "values.csv"
    source.write_text("\n".join(lines))
    train = [
        "finetune", "values", "--data", f"{source}", "--out", f"{tmp_path}/run", "--size", "32",
        "--optim.batch_size", "4", "--optim.epochs", "1", "--optim.warmup_epochs", "0",
        "--weights", f"{places.pretrained}", "--val_share", "0.34", *QUICK,
        *(["--kind", "numbers"] if kind == "numbers" else []),
    ]  # fmt: skip
    trained = told(train, capsys)
    assert (trained["kind"], trained["train_images"], trained["val_images"]) == (kind, 8, 4)
    assert [row["name"] for row in trained["per_value"]] == ["forest", "number"]
    judged = told(
        ["evaluate", "values", "--data", f"{source}", "--weights", f"{tmp_path}/run", *QUICK],
        capsys,
    )
    assert judged["images"] == 12
    assert (judged["mean_ap"] is not None) == (kind == "labels")
    assert (judged["mae"] is not None) == (kind == "numbers")
    out = tmp_path / "told.csv"
    words = ["predict", "values", "--data", f"{places.labelled}", "--weights", f"{tmp_path}/run"]
    assert told([*words, "--out", f"{out}", *QUICK], capsys)["images"] == 12
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["path", "forest", "number"]
    if kind == "labels":
        assert all(0 < float(row["forest"]) < 1 for row in rows)
    else:
        # Hardly trained, it tells about the mean: in the numbers' own units.
        assert all(95 < float(row["number"]) < 117 for row in rows)


def test_a_classifier_is_no_estimator(
    places: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "values", "--data", f"{places.labelled}", "--out", "x.csv"]
    assert main([*words, "--weights", f"{places.classifier}"]) == 3
    assert "this command needs an estimator, which `fcmae finetune values` makes" in (
        capsys.readouterr().err
    )


@pytest.mark.full
def test_labels_that_no_image_has_are_said_to_have_no_average_precision(
    places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part, last in (("train", 1), ("val", 0)):
        files = sorted((places.labelled / part).rglob("*.png"))
        lines = [f"{path},{i % 2 * last}" for i, path in enumerate(files)]
        (tmp_path / f"{part}.csv").write_text("\n".join(["path,odd", *lines]))
    train = [
        "finetune", "values", "--data", f"{tmp_path}/train.csv", "--val", f"{tmp_path}/val.csv",
        "--out", f"{tmp_path}/run", "--size", "32", "--optim.batch_size", "4", "--optim.epochs",
        "1", "--optim.warmup_epochs", "0", "--weights", f"{places.pretrained}", "--kind", "labels",
        *QUICK,
    ]  # fmt: skip
    judge = ["evaluate", "values", "--data", f"{tmp_path}/val.csv", "--weights", f"{tmp_path}/run"]
    for command, after in ((train, " after 2 steps on 8 images."), ([*judge, *QUICK], ".")):
        assert main(command) == 0
        said = " ".join(capsys.readouterr().out.split())
        words = "No label has a positive example, so there is no average precision on 4 images"
        assert f"odd 4 0 - {words}{after}" in said
        assert "R2" not in said


def test_numbers_that_are_not_known_have_no_error() -> None:
    unknown = vars(ValueScore(name="age", images=0))
    assert in_words(None, None, None, [unknown]) == (
        "No number is known, so there is no absolute error"
    )
    known = vars(ValueScore(name="age", images=2, mae=1.5))
    assert in_words(None, 1.5, None, [unknown, known]) == "Mean absolute error 1.5, R2 -"
