"""Features are measured and written whatever the weights were trained for."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from torch import nn

import fcmae
from fcmae.checkpoint.weights import save_weights
from fcmae.model.detector import Detector
from fcmae.model.estimator import Estimator
from fcmae.model.options import Architecture, MaskRCNN, UPerNet
from fcmae.model.segmenter import Segmenter

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
