"""A loaded model says something about one image, however that is given."""

import copy
import inspect
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.weights import save_weights
from fcmae.data.as_image import picture_of
from fcmae.errors import OutOfMemory
from fcmae.evaluation.scan import Scanner
from fcmae.model.estimator import Estimator
from fcmae.model.options import Architecture, UPerNet
from fcmae.model.segmenter import Segmenter

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8))
FACTS = {"size": [32, 32], "mean": [0.5] * 3, "std": [0.2] * 3}


@pytest.fixture
def path(places: SimpleNamespace) -> Path:
    return next(places.flat.glob("*.png"))


def test_an_image_may_be_given_in_any_way(path: Path) -> None:
    with Image.open(path) as image:
        image.load()
    array = np.asarray(image)
    tensor = torch.from_numpy(array.copy()).permute(2, 0, 1)
    for given in (str(path), path, image, array, tensor, array / 255.0):
        picture = picture_of(given, 3)
        found = picture if picture.dtype == np.uint8 else np.rint(picture * 255)
        np.testing.assert_array_equal(found, array)
    assert picture_of(array[..., 0], 3).shape == array.shape
    with pytest.raises(ValueError, match=r"but this one has the shape \(3,\)"):
        picture_of(np.zeros(3), 3)


@pytest.mark.parametrize("given", [None, [], b"photo.jpg", 3])
def test_what_is_no_image_is_told_with_what_would_be(given: Any) -> None:
    got = "None" if given is None else f"of type {type(given).__name__}"
    whatever = inspect.unwrap(picture_of)  # users have no check of types around it
    with pytest.raises(ValueError, match=f"an image is a path, .* but this one is {got}: give one"):
        whatever(given, 3)


def test_floats_lie_between_0_and_1_or_a_little_beyond() -> None:
    picture = np.linspace(-0.1, 1.2, 48).reshape(4, 4, 3)
    for given in (picture, torch.from_numpy(picture).permute(2, 0, 1).half()):
        found = picture_of(given, 3)
        np.testing.assert_allclose(found, picture.clip(0, 1), atol=1e-3)
    for white in (255.0, -1.0):
        low, high = sorted((0.0, white))
        said = f"floats of an image lie in [0, 1], but these are from {low:.4g} to {high:.4g}: "
        with pytest.raises(ValueError, match=re.escape(said)):
            picture_of(np.linspace(0, white, 48).reshape(4, 4, 3), 3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float8_e4m3fn])
def test_floats_of_few_bits_are_taken(dtype: torch.dtype) -> None:
    picture = torch.linspace(0, 1, 48).view(3, 4, 4)
    found = picture_of(picture.to(dtype), 3)
    expected = picture.to(dtype).float().permute(1, 2, 0).numpy()
    np.testing.assert_array_equal(found, expected)


def test_tensors_without_a_number_for_each_pixel_are_refused() -> None:
    for tensor in (torch.zeros(3, 4, 4).to_sparse(), torch.zeros(3, 4, 4, device="meta")):
        with pytest.raises(
            ValueError, match=r"one for each pixel .* of torch\.float32, .*: convert"
        ):
            picture_of(tensor, 3)


def test_integers_of_8_bits_in_other_types_would_be_black() -> None:
    for dtype in (np.int64, np.uint32, np.int16):
        with pytest.raises(ValueError, match=r"these of u?int\d\d are at most 200, which would"):
            picture_of(np.full((4, 4), 200, dtype=dtype), 1)
    assert picture_of(np.full((4, 4), 200, dtype=np.uint16), 1).max() < 0.01
    assert picture_of(np.full((4, 4), 65535, dtype=np.int32), 1).min() == 1
    assert picture_of(np.zeros((4, 4), dtype=np.int32), 1).max() == 0


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [(np.int16, -1, 300), (np.int32, 0, 65536), (np.int8, -5, 9), (np.uint64, 7, 2**63)],
)
def test_integers_that_are_no_16_bits_are_not_stretched(
    dtype: type[np.integer], low: int, high: int
) -> None:
    said = f"but these of {np.dtype(dtype)} are from {low} to {high}: scale them to that, or"
    with pytest.raises(ValueError, match=re.escape(said)):
        picture_of(np.array([[low, high]], dtype=dtype), 1)


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (np.float32, (0.0, 0.5)), (np.float32, (0.0, 200.0)), (np.float32, (-1.0, 1.0)),
        (np.float32, (-0.1, 1.1)), (np.float32, (0.0, np.nan)), (np.int32, (0, 200)),
        (np.int32, (0, 40_000)), (np.int32, (0, 70_000)), (np.int32, (-1, 9)),
        (np.uint16, (0, 200)), (np.uint8, (0, 200)),
    ],
)  # fmt: skip
def test_the_same_pixels_are_judged_alike_however_they_are_given(
    dtype: type, values: tuple[float, float]
) -> None:
    array = np.array([values], dtype=dtype)
    judged = []
    for given in (array, torch.from_numpy(array.copy()), Image.fromarray(array)):
        try:
            judged.append(str(picture_of(given, 1).tolist()))
        except ValueError as error:
            kind = r"these of (int32|mode I) |convert them to (uint8, or to uint16|mode L, .*)\."
            judged.append(re.sub(kind, "...", str(error)))
    assert judged[1:] == judged[:1] * 2


@pytest.mark.parametrize("mode", ["RGB", "L", "F"])
def test_images_without_pixels_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="this one is 0 pixels wide and 5 high: give one with"):
        picture_of(Image.new(mode, (0, 5)), 3)
    for empty in (np.zeros((0, 5)), np.zeros((4, 5, 0)), torch.zeros(3, 0, 4)):
        with pytest.raises(ValueError, match=r"has the shape \(.*\): give an array h w or h w c"):
            picture_of(empty, 3)


def test_a_classifier_names_the_likeliest_class(places: SimpleNamespace, path: Path) -> None:
    model = fcmae.load(places.classifier)
    said = model.predict(path)
    assert set(said.probabilities) == set(places.classes)
    assert said.probability == max(said.probabilities.values()) == said.probabilities[said.name]
    assert sum(said.probabilities.values()) == pytest.approx(1)
    again = copy.deepcopy(model)
    with torch.no_grad():
        for parameter in again.head.parameters():
            parameter.zero_()
    assert again.predict(path).probability == pytest.approx(0.5)
    assert model.predict(path) == said


def test_a_segmenter_names_the_class_of_every_pixel(path: Path, tmp_path: Path) -> None:
    head = UPerNet(width=16, auxiliary_width=16)
    facts = {**FACTS, "classes": ["a", "b", "c"]}
    file = tmp_path / "segmenter.safetensors"
    save_weights(file, Segmenter(SMALL, num_classes=3, head=head), facts)
    said = fcmae.load(file).predict(path, mode="slide", flip=True)
    with Image.open(path) as image:
        width, height = image.size
    assert said.mask.shape == (height, width)
    assert said.classes == ["a", "b", "c"]
    assert sum(said.shares.values()) == pytest.approx(1)
    assert said.shares.get("a", 0.0) == (said.mask == 0).mean()
    assert all(type(share) is float for share in said.shares.values())
    with pytest.raises(ValueError, match=r"mode is 'slid', but must be one of whole, slide\."):
        fcmae.load(file).predict(path, mode="slid")
    with pytest.raises(ValueError, match=r"but not flipp\. Did you mean flip\?"):
        fcmae.load(file).predict(path, flipp=True)


def test_a_segmenter_looks_at_large_images_by_windows(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "segmenter.safetensors"
    model = Segmenter(SMALL, num_classes=3, head=UPerNet(width=16, auxiliary_width=16))
    save_weights(file, model, {**FACTS, "classes": ["a", "b", "c"]})
    by_windows = fcmae.load(file).predict(path, mode="slide").mask
    monkeypatch.setattr(Scanner, "classes", None)  # nothing is looked at whole
    np.testing.assert_array_equal(fcmae.load(file).predict(path, large=100).mask, by_windows)


def test_a_segmenter_keeps_to_its_short_side_on_large_images(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    pixels = np.random.default_rng(0).integers(0, 256, (80, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    file = tmp_path / "segmenter.safetensors"
    model = Segmenter(SMALL, num_classes=3, head=UPerNet(width=16, auxiliary_width=16))
    save_weights(file, model, {**FACTS, "classes": ["a", "b", "c"], "short_side": 48})
    loaded = fcmae.load(file)
    asked, trained = loaded.predict(path, short_side=64).mask, loaded.predict(path).mask
    large = 80 * 90 - 1
    np.testing.assert_array_equal(loaded.predict(path, short_side=64, large=large).mask, asked)
    np.testing.assert_array_equal(loaded.predict(path, large=large).mask, trained)


def test_too_little_memory_is_told_with_a_way_out(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "segmenter.safetensors"
    save_weights(file, Segmenter(SMALL, num_classes=3, head=UPerNet(width=16)), FACTS)
    model = fcmae.load(file)
    model.register_forward_pre_hook(lambda module, inputs: torch.empty(2**50))
    with pytest.raises(
        OutOfMemory, match=r"a lower large \(windows .*\) or lower scales need less"
    ):
        model.predict(path)


@pytest.mark.parametrize("kind", ["labels", "numbers"])
def test_an_estimator_names_its_values(kind: str, path: Path, tmp_path: Path) -> None:
    model = Estimator(SMALL, num_values=2, kind=kind)
    model.shift.fill_(7.0)
    file = tmp_path / "estimator.safetensors"
    save_weights(file, model, {**FACTS, "classes": ["age", "size"]})
    said = fcmae.load(file).predict(path)
    assert list(said) == ["age", "size"]
    low, high = (0.5, 1.0) if kind == "labels" else (3.0, 11.0)
    assert all(low < value < high for value in said.values())


def test_a_classifier_looks_in_one_way(places: SimpleNamespace, path: Path) -> None:
    with pytest.raises(ValueError, match="predict of a classifier takes the image alone, but not"):
        fcmae.load(places.classifier).predict(path, size=64)


def test_an_autoencoder_says_nothing(places: SimpleNamespace) -> None:
    assert not hasattr(fcmae.load(places.pretrained), "predict")


def test_prediction_leaves_the_model_as_it_was(places: SimpleNamespace, path: Path) -> None:
    model = fcmae.load(places.classifier).train()
    before = {name: x.clone() for name, x in model.state_dict().items()}
    model.predict(path)
    assert model.training
    assert_close(model.state_dict(), before, rtol=0, atol=0)
