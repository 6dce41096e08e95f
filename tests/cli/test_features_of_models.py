"""Features are measured and written whatever the weights were trained for."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn
from torch.testing import assert_close

import fcmae
from fcmae.api import options_of
from fcmae.checkpoint.weights import save_weights
from fcmae.cli.shared.console import Console
from fcmae.inference.features.features import features
from fcmae.inference.features.inputs import open_inputs
from fcmae.model.classifier import Classifier
from fcmae.model.detector import Detector
from fcmae.model.estimator import Estimator
from fcmae.model.options import Architecture, MaskRCNN, UPerNet
from fcmae.model.segmenter import Segmenter
from fcmae.options.compute import Compute

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8))
QUICK: dict[str, Any] = {"run": {"device": "cpu"}, "loader": {"workers": 0}}


@pytest.mark.parametrize(
    "model",
    [
        Detector(ARCH, num_classes=2, masks=False, head=MaskRCNN(width=16)),
        Estimator(ARCH, num_values=2, kind="labels"),
        Segmenter(ARCH, num_classes=2, head=UPerNet(width=16, auxiliary_width=16)),
    ],
    ids=lambda model: type(model).__name__,
)
def test_models_of_every_task_have_features(
    model: nn.Module, places: SimpleNamespace, tmp_path: Path
) -> None:
    save_weights(tmp_path / "weights.safetensors", model, {"size": [64, 64]})
    given = {"weights": tmp_path / "weights.safetensors", **QUICK}
    told = fcmae.embed(data=places.flat, out=tmp_path / "out.npz", **given)
    assert (told.images, told.width) == (4, 8)
    for how in ("neighbours", "linear"):
        assert fcmae.evaluate(how, data=places.labelled, **given).images == 4  # type: ignore[arg-type,union-attr]


def test_adapt_changes_nothing_where_the_channels_fit(
    places: SimpleNamespace, tmp_path: Path
) -> None:
    model = Classifier(ARCH, num_classes=2)
    for parameter in (model.norm.weight, model.norm.bias):
        nn.init.normal_(parameter)  # a norm that has learnt something is part of the features
    save_weights(tmp_path / "weights.safetensors", model, {"size": [64, 64]})
    given = {"data": places.labelled, "weights": tmp_path / "weights.safetensors", **QUICK}
    plain, adapted = (
        open_inputs(options_of("evaluate neighbours", **given, **more), Console())
        for more in ({}, {"adapt": "average"})
    )
    of_plain, of_adapted = (
        features(ready, Compute(device="cpu"), 0, Console())[:2] for ready in (plain, adapted)
    )
    for one, other in zip(of_plain, of_adapted, strict=True):
        assert_close(other.rows, one.rows, rtol=0, atol=0)


def test_weights_for_colour_are_measured_on_grey_images(
    places: SimpleNamespace, tmp_path: Path
) -> None:
    for kind in ("pretrained", "classifier"):
        result = fcmae.evaluate(
            "neighbours",
            data=places.labelled,
            weights=getattr(places, kind),
            adapt="average",
            encoder={"channels": 1},
            **QUICK,
        )
        assert result.images == 4  # type: ignore[union-attr]
