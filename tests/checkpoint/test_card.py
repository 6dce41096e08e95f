"""The card of a weights file: every field is checked, and comes back from JSON as it was."""

import json
import re
import struct
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import save_file

from fcmae.checkpoint.card import Card, LabelMapMeaning
from fcmae.checkpoint.header import read_card
from fcmae.checkpoint.weights import save_weights
from fcmae.errors import CheckpointError
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture
from fcmae.model.tiling import Tiling

NET = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 8))
MODEL = {"kind": "classifier", "architecture": asdict(NET), "num_classes": 2}
FULL: dict[str, Any] = {
    "format": 1,
    "model": json.loads(json.dumps(MODEL)),
    "weights": "average",
    "step": 8,
    "metrics": {"loss": 0.5},
    "options": {"optim": {"epochs": 4}},
    "size": [32, 48],
    "mean": [0.5, 0.4, 0.3],
    "std": [0.2, 0.2, 0.1],
    "lineage": [{"source": "timm:convnextv2_tiny.fcmae", "licence": None}],
    "licence": "CC-BY-NC-4.0",
    "classes": ["cat", "dog"],
    "class_ids": [1, 18],
    "tile": [640, 512],
    "tile_overlap": 0.5,
    "short_side": 480,
    "labels": {"ignore_index": 255, "reduce_zero_label": False},
    "note": {"by": "me"},
}


def test_a_card_comes_back_from_json_as_it_was() -> None:
    card = Card.from_json(json.loads(json.dumps(FULL)))
    assert (card.kind, card.net, card.num_outputs) == ("classifier", NET, 2)
    assert (card.size, card.classes, card.class_ids) == ((32, 48), ("cat", "dog"), (1, 18))
    assert card.tiling == Tiling(size=(640, 512), overlap=0.5)
    assert card.labels == LabelMapMeaning(ignore_index=255, reduce_zero_label=False)
    assert card.more == {"note": {"by": "me"}}
    assert json.loads(json.dumps(card.to_json())) == FULL
    assert list(card.to_json()) == list(FULL)
    assert Card.from_json(card.to_json()) == card


def test_what_a_card_lacks_has_its_default() -> None:
    card = Card.from_json({"model": MODEL, "short_side": None, "labels": None, "tile": None})
    assert card == Card(model=MODEL)
    assert card.image_size == (224, 224)
    assert set(card.to_json()) == {"format", "model"}
    assert Card.from_json({"model": MODEL, "tile": [64, 64]}).tiling == Tiling(size=(64, 64))


def test_facts_complete_a_card_and_replace_nothing() -> None:
    card = Card.from_json({"model": MODEL, "size": [64, 64]})
    found = card.completed({"size": (32, 32), "licence": "CC0"})
    assert (found.size, found.licence) == ((64, 64), "CC0")


def test_a_model_without_an_encoder_of_fcmae_has_a_card_too() -> None:
    card = Card.from_json({"model": {"kind": "module", "class": "mine.Net"}})
    assert (card.kind, card.net, card.is_of_timm) == ("module", None, False)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"format": 7}, "its format is 7, but this version reads 1"),
    ({"model": "tiny"}, "its model is 'tiny', but must be a JSON object"),
    ({"model": {"architecture": asdict(NET)}}, "its model names no kind"),
    ({"model": {**MODEL, "architecture": {"depths": 3}}}, "there is no encoder such as"),
    ({"model": {**MODEL, "num_classes": "2"}}, "its number of classes is '2', but must be a whole"),
    ({"step": -1}, "its step is -1, but must be a whole number of at least 0"),
    ({"step": True}, "its step is True, but must be a whole number"),
    ({"metrics": [1]}, "its metrics is [1], but must be a JSON object"),
    (
        {"size": [0, 32]},
        "its size is [0, 32], but must be a height and a width of at least 1",
    ),
    ({"size": 32}, "its size is 32, but must be a JSON array"),
    ({"mean": [0.5, 0.5]}, "its mean has 2 values for 3 channels"),
    ({"mean": []}, "its mean is [], but must have a number for each channel"),
    ({"std": [0.1, float("nan"), 0.1]}, "but must be finite numbers above 0"),
    ({"std": [0.1, 0, 0.1]}, "its std is [0.1, 0, 0.1], but must be finite numbers above 0"),
    ({"licence": 3}, "its licence is 3, but must be text"),
    ({"lineage": ["me"]}, "its lineage is 'me', but must be a JSON object"),
    ({"classes": ["cat", "cat"]}, "its classes has 'cat' twice, but each must stand once"),
    ({"classes": ["cat", 3]}, "its classes is ['cat', 3], but must be texts"),
    ({"classes": ["cat"]}, "it names 1 classes of 2"),
    ({"class_ids": [1.5]}, "its class_ids is [1.5], but must be whole numbers"),
    ({"tile": [64, 64], "tile_overlap": 1}, "its tile_overlap is 1, but must lie in [0, 1)"),
    ({"short_side": 0}, "its short_side is 0, but must be a whole number of at least 1"),
    ({"labels": {"reduce_zero_label": 1}}, "its labels has 1 for reduce_zero_label"),
]


@pytest.mark.parametrize(("wrong", "says"), BAD, ids=[says[:40] for _, says in BAD])
def test_a_field_that_cannot_be_is_told_in_one_line(
    tmp_path: Path, wrong: dict[str, Any], says: str
) -> None:
    path = tmp_path / "weights.safetensors"
    model = Classifier(NET, num_classes=2)
    save_file(model.state_dict(), path, {"fcmae": json.dumps({"model": MODEL, **wrong})})
    with pytest.raises(CheckpointError, match=re.escape(says)) as caught:
        read_card(path)
    assert str(caught.value).startswith(f"the card of {path} is damaged, or needs another version")
    assert "\n" not in str(caught.value)


def test_a_card_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    with pytest.raises(ValueError, match="its size is \\[0, 3\\]"):
        save_weights(path, Classifier(NET, num_classes=2), {"size": [0, 3]})
    assert not path.exists()


def test_the_json_in_a_file_is_what_was_given(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    facts = {name: value for name, value in FULL.items() if name not in ("format", "model")}
    save_weights(path, Classifier(NET, num_classes=2), facts)
    with path.open("rb") as file:
        [length] = struct.unpack("<Q", file.read(8))
        written = json.loads(json.loads(file.read(length))["__metadata__"]["fcmae"])
    assert written == FULL
    assert list(written) == list(FULL)
