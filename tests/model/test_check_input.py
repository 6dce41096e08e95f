"""What is no batch of normalised images is refused in words, by every model."""

import json
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
import torch

from fcmae.model.check_input import check_input
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture

IMAGES = torch.zeros(2, 3, 32, 32)

PROGRAM = """
import json, sys
import numpy as np, torch
import fcmae

arch = fcmae.Architecture(depths=(1, 0, 0, 1), dims=(8, 8, 8, 16))
conv = torch.nn.Conv2d(3, 8, 32, stride=32)
light = {"width": 32}
net = {"decoder": {"width": 16}}
models = {
    "Encoder": fcmae.Encoder(arch),
    "Autoencoder": fcmae.Autoencoder(arch, **net),
    "Classifier": fcmae.Classifier(arch, num_classes=2),
    "Segmenter": fcmae.Segmenter(arch, num_classes=2, head=light),
    "Detector": fcmae.Detector(arch, num_classes=2, head=light).eval(),
    "Estimator": fcmae.Estimator(arch, num_values=2, kind="numbers"),
    "NetEncoder": fcmae.NetEncoder(conv, size=(64, 64)),
    "NetAutoencoder": fcmae.NetAutoencoder(fcmae.NetEncoder(conv, size=(64, 64)), **net),
    "of timm": fcmae.NetAutoencoder("timm:test_resnet", **net),
    "draw": fcmae.Autoencoder(arch, **net).draw,
}
images = torch.zeros(2, 3, 64, 64)
wrong = {
    "uint8": images.byte(), "float64": images.double(), "array": images.numpy(),
    "3 axes": images[0], "1 channel": images[:, :1], "list": list(images),
}
said = {}
for name, model in models.items():
    for how, given in wrong.items():
        try:
            model(given)
        except ValueError as error:
            said[f"{name}, {how}"] = str(error)
        except Exception as error:
            said[f"{name}, {how}"] = repr(error)
        else:
            said[f"{name}, {how}"] = "nothing"
json.dump(said, sys.stdout)
"""
"""Without the shape checks of these tests, which users do not have."""


def test_every_model_refuses_the_same_with_the_same_words() -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    begins = {
        "uint8": "the images are uint8, but",
        "float64": "the images are float64, but",
        "array": "the model was given <numpy.ndarray 2 x 3 x 64 x 64 float32>, but",
        "3 axes": "the images have 3 axes (3 x 64 x 64), but",
        "1 channel": "the images have 1 channel (2 x 1 x 64 x 64), but",
        "list": "the model was given <list of 2>, but",
    }
    said = json.loads(done.stdout)
    assert len(said) == 10 * len(begins)
    for name, message in said.items():
        assert message.startswith(begins[name.partition(", ")[2]]), f"{name}: {message}"


@pytest.mark.parametrize(
    ("images", "way_out"),
    [
        (np.zeros((2, 8, 8, 3), np.uint8), "permute(0, 3, 1, 2) / 255 - mean) / std"),
        (IMAGES.byte(), "for uint8 that is (images / 255 - mean) / std"),
        (IMAGES.long(), "but the model takes normalised numbers of float32"),
        (IMAGES.double(), "give images.to(torch.float32)."),
        (IMAGES.half(), "give images.to(torch.float32)."),
        (IMAGES[0], "images[None] is a batch of one."),
        (IMAGES[0].permute(1, 2, 0), "images.permute(2, 0, 1)[None] is a batch of one."),
        (IMAGES[0, 0], "the images have 2 axes (32 x 32)"),
        (IMAGES.permute(0, 2, 3, 1), "images.permute(0, 3, 1, 2) puts channels before height"),
        (IMAGES[:, :1], "(images.expand(-1, 3, -1, -1) repeats one), or make the model with chan"),
        (IMAGES.repeat(1, 2, 1, 1), "or make the model with channels=6."),
    ],
    ids=lambda x: None if isinstance(x, str) else f"{tuple(x.shape)} {x.dtype}",
)
def test_the_message_says_what_makes_images_of_it(images: Any, way_out: str) -> None:
    with pytest.raises(ValueError, match=re.escape(way_out)):
        check_input(images, 3, torch.float32)


def test_the_type_may_be_that_of_the_weights_or_what_autocast_converts() -> None:
    model = Encoder(Architecture(depths=(1, 0, 0, 0), dims=(4, 4, 4, 4)))
    assert model(IMAGES).features.dtype == torch.float32
    assert model.double()(IMAGES.double()).features.dtype == torch.float64
    with torch.autocast("cpu", dtype=torch.bfloat16):
        check_input(IMAGES.bfloat16(), 3, torch.float32)
        with pytest.raises(ValueError, match="the images are float64"):
            check_input(IMAGES.double(), 3, torch.float32)
