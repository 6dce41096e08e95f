"""What is unusual: other versions, stems, channels and parts; refusals; exports over exports."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import authors
import numpy as np
import pytest
import timm
import torch
from PIL import Image
from torch import nn
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.card import Card
from fcmae.checkpoint.header import read_card
from fcmae.checkpoint.weights import save_weights
from fcmae.cli.export.exported import Exported
from fcmae.data.augment import EvaluationView
from fcmae.data.feed import evaluation_batches
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.errors import CheckpointError, StorageError
from fcmae.exports.facts import facts_of
from fcmae.exports.huggingface import preprocessing
from fcmae.exports.parts import pyramid_of
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.build import describe
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.options import Architecture, DecoderOptions, architecture

CARD = {"size": [64, 64], "classes": ["dune", "forest"], "licence": "CC-BY-NC-4.0", "lineage": []}
SHAPE: dict[str, Any] = {"depths": (1, 1, 2, 1), "dims": (8, 16, 24, 40)}
SMALL = Architecture(**SHAPE)
SIZES = [(64, 64), (96, 32)]


def excited(model: nn.Module) -> nn.Module:
    """Parameters that start at zero or one get values that matter."""
    for name, parameter in model.named_parameters():
        if any(part in name for part in ("grn", "norm", "scale")):
            nn.init.normal_(parameter, mean=0.5, std=0.3)
    return model.eval()


def saved(folder: Path, model: nn.Module, **more: Any) -> Path:
    save_weights(folder / "weights.safetensors", excited(model), CARD | more)
    return folder


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A small classifier's."""
    return saved(tmp_path / "run", Classifier(SMALL, num_classes=2))


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the authors' repositories were on the path."""
    monkeypatch.setitem(sys.modules, "models", ModuleType("models"))
    for name in ("convnextv2", "convnext", "fcmae"):
        monkeypatch.setitem(sys.modules, f"models.{name}", authors)


def by_its_lines(exported: Exported, images: torch.Tensor | None = None) -> dict[str, Any]:
    names: dict[str, Any] = {"images": images}
    exec("\n".join(exported.lines), names)
    return names


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("part", ["classifier", "encoder"])
def test_the_authors_code_opens_it_by_its_lines(version: int, part: str, tmp_path: Path) -> None:
    model = Classifier(Architecture(version=version, channels=4, **SHAPE), num_classes=2)
    exported = fcmae.export(weights=saved(tmp_path, model), format="official", part=part)
    theirs, images = by_its_lines(exported)["model"].eval(), torch.randn(2, 4, 64, 96)
    got = theirs(images) if part == "classifier" else theirs.forward_features(images)
    wanted = model(images) if part == "classifier" else model.features(images)
    assert_close(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.usefixtures("checkout")
def test_the_authors_pre_training_opens_an_autoencoder_by_its_lines(tmp_path: Path) -> None:
    model = Autoencoder(SMALL, decoder=DecoderOptions(depth=2, width=16))
    exported = fcmae.export(weights=saved(tmp_path, model), format="official")
    theirs = by_its_lines(exported)["model"]
    assert_close(theirs.mask_token.flatten(), model.decoder.mask_token, rtol=0, atol=0)
    again = fcmae.load(exported.out / "weights.pth")
    assert_close(dict(again.state_dict()), dict(model.state_dict()), rtol=0, atol=0)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("format", ["timm", "huggingface"])
@pytest.mark.parametrize(
    "given", [{"version": 1}, {"version": 2, "channels": 4, "stem": 1}], ids=["v1", "stem-1"]
)
def test_other_nets_give_the_same_logits(
    given: dict[str, Any], format: str, size: tuple[int, int], tmp_path: Path
) -> None:
    model = Classifier(Architecture(**SHAPE, **given), num_classes=2)
    exported = fcmae.export(weights=saved(tmp_path, model), format=format)
    images = torch.randn(2, given.get("channels", 3), *size)
    logits = by_its_lines(exported)["model"](images)
    logits = logits.logits if format == "huggingface" else logits
    assert_close(logits, model(images), rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore")
def test_timm_takes_the_file_as_a_checkpoint(tmp_path: Path) -> None:
    model = Classifier(architecture("atto"), num_classes=2)
    out = fcmae.export(weights=saved(tmp_path, model), format="timm").out
    path, images = str(out / "model.safetensors"), torch.randn(1, 3, 64, 64)
    theirs = timm.create_model("convnextv2_atto", num_classes=2, checkpoint_path=path).eval()
    assert theirs.stages[0].blocks[0].mlp.fc1.weight.ndim == 4
    assert_close(theirs(images), model(images), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("part", ["classifier", "encoder", "pyramid"])
def test_our_own_file_opens_by_its_lines_and_says_what_it_is(part: str, run: Path) -> None:
    exported = fcmae.export(weights=run, format="safetensors", part=part)
    images, whole = torch.randn(1, 3, 64, 64), fcmae.load(run)
    outputs = by_its_lines(exported, images)["outputs"]
    wanted = {
        "classifier": lambda: whole(images),
        "encoder": lambda: whole.encoder(images).features,
        "pyramid": lambda: pyramid_of(whole)(images),
    }[part]()
    assert_close(outputs, wanted, rtol=1e-6, atol=1e-6)
    card = read_card(exported.out)
    assert card.kind == part
    assert card.licence == CARD["licence"]
    assert (card.classes is not None) == (part == "classifier")


@pytest.mark.filterwarnings("ignore")
def test_whole_images_from_384_pixels_on_are_warped_by_transformers_too(tmp_path: Path) -> None:
    run = saved(tmp_path, Classifier(SMALL, num_classes=2), size=[384, 416])
    found = by_its_lines(fcmae.export(weights=run, format="huggingface"))
    picture = tmp_path / "pictures" / "picture.png"
    picture.parent.mkdir()
    waves = np.sin(np.arange(90)[:, None] / 9) * np.cos(np.arange(130) / 7)
    Image.fromarray((waves[..., None] * [90, 60, 30] + 128).astype(np.uint8)).save(picture)
    batches = evaluation_batches(
        find_images(picture.parent, labels=False),
        EvaluationView((384, 416)),
        loader=Loader(workers=0),
        channels=3,
        batch_size=1,
    )
    ours = next(iter(batches)).images
    processed = found["processor"](Image.open(picture), return_tensors="pt")
    # One step of 8 bits, which is 0.018 here: torchvision and Pillow round differently.
    assert_close(processed["pixel_values"], ours, rtol=0, atol=0.02)


@pytest.mark.parametrize(
    ("size", "channels", "kind"),
    [
        ((64, 64), 3, "ConvNextImageProcessor"),
        ((384, 384), 3, "ViTImageProcessor"),
        ((64, 96), 3, None),
        ((64, 64), 5, None),
    ],
)
def test_transformers_gets_a_processor_where_it_has_one(
    size: tuple[int, int], channels: int, kind: str | None
) -> None:
    model = Encoder(Architecture(channels=channels, **SHAPE))
    found = preprocessing(facts_of(model, Card(model=describe(model)), part="encoder", size=size))
    assert (found and found["image_processor_type"]) == kind


@pytest.mark.filterwarnings("ignore")
def test_a_pre_training_becomes_an_encoder_where_there_is_no_place_for_a_decoder(
    tmp_path: Path,
) -> None:
    model = Autoencoder(SMALL, decoder=DecoderOptions(width=16))
    exported = fcmae.export(weights=saved(tmp_path, model), format="timm")
    assert exported.part == "encoder"
    assert by_its_lines(exported)["model"].num_classes == 0


@pytest.mark.parametrize(
    ("given", "format", "says"),
    [
        ({"stem": 2}, "timm", "timm halves the map once more after a stem of 2 pixels"),
        ({"stem": 1}, "official", "stems of 4 pixels only, not 1"),
        ({}, "torchvision", "torchvision has v1-base, v1-large, v1-small, v1-tiny only"),
        ({"dims": (8, 8, 16, 24)}, "huggingface", "between two stages of the same width"),
    ],
)
def test_a_net_that_another_library_cannot_build_is_refused(
    given: dict[str, Any], format: str, says: str, tmp_path: Path
) -> None:
    model = Classifier(Architecture(**(SHAPE | given)), num_classes=2)
    with pytest.raises(CheckpointError, match=says):
        fcmae.export(weights=saved(tmp_path / "run", model), format=format)
    assert not (tmp_path / "run" / "export").exists()


def test_the_authors_have_no_decoder_for_v1(tmp_path: Path) -> None:
    model = Autoencoder(Architecture(version=1, **SHAPE), decoder=DecoderOptions(width=16))
    with pytest.raises(CheckpointError, match="the authors pre-train ConvNeXt V2 only"):
        fcmae.export(weights=saved(tmp_path, model), format="official")


def test_weights_asked_for_by_name_need_a_folder_to_go_to() -> None:
    with pytest.raises(ValueError, match="out= must be given"):
        fcmae.export(weights="timm:convnextv2_atto.fcmae", format="official")


def test_an_export_replaces_an_earlier_one_and_a_failed_one_does_not(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = fcmae.export(weights=run, format="timm", size=64).out
    first = (out / "config.json").read_text()
    fcmae.export(weights=run, format="timm", size=128)
    assert (out / "config.json").read_text() != first
    before = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}

    def fail(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("fcmae.exports.write.readme", fail)
    with pytest.raises(StorageError, match="the disk is full"):
        fcmae.export(weights=run, format="timm", size=96)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
