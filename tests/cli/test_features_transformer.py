"""``fcmae.Features`` is a transformer of scikit-learn, equal to ``fcmae embed``."""

import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from PIL import Image
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline

import fcmae
from fcmae.checkpoint.weights import save_weights
from fcmae.errors import CheckpointError, DataError
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    torch.manual_seed(0)
    save_weights(path, Classifier(ARCH, num_classes=2), {"size": [32, 32]})
    return path


def features(weights: Path, **parameters: Any) -> fcmae.Features:
    return fcmae.Features(weights, device="cpu", **parameters)


def bright_and_dark(number: int) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Images n 32 32 3 of two classes that are easy to tell apart."""
    bright = np.arange(number) % 2 == 1
    noise = np.random.default_rng(0).integers(0, 60, (number, 32, 32, 3))
    images = noise + np.where(bright, 190, 0)[:, None, None, None]
    return images.astype(np.uint8), np.where(bright, "bright", "dark")


def test_features_are_those_of_embed(
    weights: Path, places: SimpleNamespace, tmp_path: Path
) -> None:
    fcmae.embed(
        data=places.flat,
        weights=weights,
        out=tmp_path / "out.npz",
        run={"device": "cpu"},
        loader={"workers": 0},
    )
    table = np.load(tmp_path / "out.npz")
    paths = [places.flat / name for name in table["path"]]
    assert_array_equal(features(weights).transform(paths), table["features"])
    assert_array_equal(
        features(weights).transform(np.array(list(map(str, paths)))), table["features"]
    )


def test_arrays_lists_and_pictures_give_the_same_rows_in_their_order(weights: Path) -> None:
    images, _ = bright_and_dark(5)
    found = features(weights).transform(images)
    assert found.shape == (5, 8)
    assert found.dtype == np.float32
    mixed = [images[3], Image.fromarray(images[0]), images[3]]
    assert_allclose(features(weights).transform(mixed), found[[3, 0, 3]], rtol=1e-5, atol=1e-6)
    one_by_one = features(weights, batch_size=1).transform(images)
    assert_allclose(one_by_one, found, rtol=1e-4, atol=1e-5)


def test_they_stand_in_a_pipeline(weights: Path) -> None:
    images, labels = bright_and_dark(24)
    model = make_pipeline(features(weights, batch_size=8), LogisticRegression(C=100))
    assert cross_val_score(model, images, labels, cv=3).mean() > 0.9
    assert cross_val_score(model, list(images), labels, cv=3).mean() > 0.9
    assert list(model.fit(images, labels).predict(images[:2])) == ["dark", "bright"]


def test_they_have_parameters_and_are_cloned(weights: Path) -> None:
    one = features(weights, size=64).fit([])
    other = clone(one)
    assert other.get_params() == one.get_params()
    assert one.get_params() == {
        "weights": weights,
        "size": 64,
        "batch_size": 64,
        "device": "cpu",
    }
    assert not hasattr(other, "_opened")
    images, _ = bright_and_dark(2)
    at_64 = one.transform(images)
    assert_array_equal(
        other.set_params(size=32).transform(images), one.set_params(size=32).transform(images)
    )
    assert np.abs(one.transform(images) - at_64).max() > 1e-4


def test_they_are_pickled_without_the_model(weights: Path) -> None:
    images, _ = bright_and_dark(2)
    one = features(weights)
    found = one.transform(images)
    text = pickle.dumps(one)
    assert len(text) < 1000
    assert_array_equal(pickle.loads(text).transform(images), found)


def test_columns_have_names(weights: Path) -> None:
    one = features(weights)
    assert list(one.get_feature_names_out()) == [f"features{n}" for n in range(8)]
    images, _ = bright_and_dark(2)
    frame = one.set_output(transform="pandas").transform(images)
    assert list(frame.columns) == list(one.get_feature_names_out())


def test_an_image_that_cannot_be_used_is_named(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    images, _ = bright_and_dark(1)
    with pytest.raises(DataError, match=r"1 of 2 images cannot be used, .*bad\.png"):
        features(weights).transform([images[0], tmp_path / "bad.png"])
    with pytest.raises(DataError, match="must be several: give a list"):
        features(weights).transform(str(tmp_path / "bad.png"))
    with pytest.raises(CheckpointError):
        fcmae.Features(tmp_path / "absent").fit(images)


@pytest.mark.full
def test_they_work_without_scikit_learn(weights: Path) -> None:
    script = (
        "import sys\n"
        "sys.modules['sklearn'] = None\n"
        "import numpy as np, fcmae\n"
        "one = fcmae.Features(sys.argv[1], device='cpu')\n"
        "assert one.fit_transform(np.zeros((2, 32, 32, 3), np.uint8)).shape == (2, 8)\n"
        "assert one.set_params(size=64).get_params()['size'] == 64\n"
        "try:\n"
        "    one.set_params(sice=64)\n"
        "except ValueError as error:\n"
        "    assert 'has no parameter sice' in str(error)\n"
        "else:\n"
        "    raise AssertionError\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, weights], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
