"""Heads that tell classes apart are taken from weights of the same classes alone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fcmae.api import options_of
from fcmae.checkpoint.weights import save_weights
from fcmae.data.image_list import ImageList
from fcmae.data.objects.table import Objects
from fcmae.data.options import Loader
from fcmae.engine.report import Silent
from fcmae.model.classifier import Classifier
from fcmae.model.detector import Detector
from fcmae.model.options import Architecture, MaskRCNN, UPerNet
from fcmae.model.segmenter import Segmenter
from fcmae.setup.weights import read_weights
from fcmae.training.start import Images, Prepared

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8))
BOXES, MAPS = {"width": 16}, {"width": 16, "auxiliary_width": 16}
NAMES = ("dune", "forest")
TASKS: dict[str, tuple[Callable[[], nn.Module], dict[str, Any], set[str]]] = {
    "classify": (lambda: Classifier(ARCH, num_classes=2), {}, {"head"}),
    "segment": (
        lambda: Segmenter(ARCH, num_classes=2, head=UPerNet(**MAPS)),
        {"head": MAPS},
        {"head", "auxiliary"},
    ),
    "detect": (
        lambda: Detector(ARCH, num_classes=2, head=MaskRCNN(**BOXES)),
        {"head": BOXES},
        {"heads"},
    ),
}


class Listener(Silent):
    """Keeps what it is told."""

    said = ""

    def message(self, text: str) -> None:
        self.said += text


def outlined() -> Objects:
    """One object with an outline."""
    one = np.ones(1, dtype=np.int64)
    return Objects(
        source="labels",
        sizes=np.ones((1, 2), dtype=np.int64),
        image_ids=one,
        first=np.array([0, 1]),
        boxes=np.ones((1, 4)),
        classes=one,
        class_ids=one,
        crowd=np.zeros(1, dtype=np.bool_),
        areas=np.ones(1),
        blob=b"[]",
        offsets=np.array([0, 2]),
    )


def started(task: str, path: Path, classes: list[str] | None) -> tuple[set[str], str]:
    """The parts that a model for the classes NAMES did not take from a file, and what was said."""
    make, more, _ = TASKS[task]
    given = make()
    for parameter in given.parameters():
        nn.init.normal_(parameter)
    save_weights(path, given, {} if classes is None else {"classes": classes})
    options = options_of(f"finetune {task}", data="a", out="b", weights=str(path), **more)
    listener = Listener()
    images = ImageList.of(Path(), [b"a.png"], classes=NAMES, annotations=outlined())
    start = Prepared(
        net=ARCH,
        weights=read_weights(path),
        images=Images(train=images),
        loader=Loader(),
        reporter=listener,
    )
    model = options.build(start)
    of_file, parameters = given.state_dict(), dict(model.named_parameters())
    new = {name for name, x in parameters.items() if not torch.equal(x, of_file[name])}
    return {name.partition(".")[0] for name in new}, listener.said


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("classes", [["dune", "sea"], ["forest", "dune"]])
def test_heads_of_other_classes_stay_new_although_they_would_fit(
    task: str, classes: list[str], tmp_path: Path
) -> None:
    new, said = started(task, tmp_path / "weights.safetensors", classes)
    assert new == TASKS[task][2]
    assert "(the model has one of its own)" in said


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("classes", [list(NAMES), None])
def test_heads_of_the_same_classes_or_of_as_many_without_names_are_taken(
    task: str, classes: list[str] | None, tmp_path: Path
) -> None:
    new, said = started(task, tmp_path / "weights.safetensors", classes)
    assert new == set()
    assert "dropped" not in said
