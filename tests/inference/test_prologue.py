"""Every use of trained weights has one base of options, and runs without a console."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from fcmae.checkpoint.weights import save_weights
from fcmae.cli.commands import COMMANDS
from fcmae.engine.report import Silent
from fcmae.errors import CheckpointError, DataError, StorageError
from fcmae.inference.classification.evaluate import evaluate_classify
from fcmae.inference.classification.options import EvaluateClassify, PredictClassify
from fcmae.inference.classification.predict import predict_classify
from fcmae.inference.detection.options import EvaluateDetect, PredictDetect
from fcmae.inference.options import EvaluateOptions, InferenceOptions, PredictOptions
from fcmae.inference.prologue import any_sides, open_weights
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture
from fcmae.options.compute import Compute

NET = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8))
INFERENCE = [n for n in COMMANDS if n.split()[0] in ("evaluate", "predict", "embed", "reconstruct")]
ON_CPU = Compute(device="cpu", batch_size=2)


@pytest.fixture
def weights(tmp_path: Path) -> str:
    path = tmp_path / "classifier.safetensors"
    facts = {"size": [32, 64], "classes": ["cat", "dog"], "mean": [0.5] * 3, "std": [0.2] * 3}
    save_weights(path, Classifier(NET, num_classes=2), facts)
    return str(path)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for kind in ("cat", "dog"):
        folder = tmp_path / "photos" / kind
        folder.mkdir(parents=True)
        for number in range(2):
            pixels = np.random.default_rng(number).integers(0, 255, (40, 70, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{number}.png")
    return tmp_path / "photos"


@pytest.mark.parametrize("command", [*INFERENCE, "analyze"])
def test_every_command_without_training_has_the_options_of_one_base(command: str) -> None:
    assert issubclass(COMMANDS[command].options, InferenceOptions)


def test_a_command_that_narrows_its_base_keeps_what_both_of_its_bases_say() -> None:
    for kind in (EvaluateDetect, PredictDetect):
        assert kind.__dataclass_fields__["run"].default.batch_size == 1
    assert issubclass(EvaluateDetect, EvaluateOptions)
    assert issubclass(PredictDetect, PredictOptions)


def test_predicting_and_evaluating_are_a_library(
    weights: str, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    found = predict_classify(
        PredictClassify(data=[photos], weights=weights, out=out, run=ON_CPU), Silent()
    )
    judged = evaluate_classify(EvaluateClassify(data=photos, weights=weights, run=ON_CPU), Silent())
    assert (found.images, judged.images, len(judged.per_class)) == (4, 4, 2)
    assert out.read_text().count("\n") == 5
    assert capfd.readouterr() == ("", "")


def test_the_weights_decide_about_size_and_normalisation(weights: str, photos: Path) -> None:
    options = EvaluateClassify(data=photos, weights=weights)
    trained = open_weights(options, Silent(), kind="classifier")
    assert (trained.size, trained.channels) == ((32, 64), 3)
    assert (trained.loader.mean, trained.loader.std) == ((0.5,) * 3, (0.2,) * 3)
    wider = EvaluateClassify(data=photos, weights=weights, size=(33, 65))
    assert open_weights(wider, Silent(), fit=any_sides).size == (33, 65)
    with pytest.raises(ValueError, match="size is 33 x 65 pixels, but both must be multiples"):
        open_weights(wider, Silent())


WRONG: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"weights": "{root}/none"}, CheckpointError, "none does not exist"),
    ({"data": ["{root}/empty"]}, DataError, "empty"),
    ({"out": "{root}/other.csv"}, StorageError, "was not written by an earlier call"),
    ({"out": "{root}/out.txt"}, ValueError, "its name must end in .csv, .parquet, .npz"),
]


@pytest.mark.parametrize(("wrong", "error", "says"), WRONG, ids=[says for *_, says in WRONG])
def test_what_cannot_be_is_told_before_any_work(
    *, weights: str, photos: Path, tmp_path: Path, wrong: dict[str, Any], error: Any, says: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "other.csv").write_text("notes")
    given = {"data": [photos], "weights": weights, "out": tmp_path / "out.csv"}
    for name, value in wrong.items():
        if name == "data":
            given[name] = [Path(one.format(root=tmp_path)) for one in value]
        else:
            text = value.format(root=tmp_path)
            given[name] = Path(text) if name == "out" else text
    with pytest.raises(error, match=says):
        predict_classify(PredictClassify(**given, run=ON_CPU), Silent())
    assert (tmp_path / "other.csv").read_text() == "notes"
