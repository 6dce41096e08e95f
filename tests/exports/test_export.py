"""Exports, opened by the lines that the console prints, compute what the model computes."""

import errno
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.card import Card
from fcmae.checkpoint.weights import save_weights
from fcmae.data.augment import EvaluationView
from fcmae.data.feed import evaluation_batches
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.errors import CheckpointError, FcmaeError, StorageError
from fcmae.exports import write
from fcmae.exports.compare import difference, outputs
from fcmae.exports.facts import facts_of
from fcmae.exports.options import FILES, HOLDS, ExportFormat
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.build import describe
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture, DecoderOptions, architecture
from fcmae.model.pyramid import Pyramid

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
CLASSES = ["birch", "oak", "pine", "spruce", "yew"]
LINEAGE = [{"source": "timm:somewhere", "format": "timm", "sha256": "0" * 64, "licence": None}]
CARD = {
    "size": [64, 64],
    "mean": list(MEAN),
    "std": list(STD),
    "licence": "cc-by-nc-4.0",
    "lineage": LINEAGE,
}
SMALL = Architecture(depths=(1, 1, 2, 1), dims=(8, 16, 24, 40))


def card_of(model: torch.nn.Module) -> Card:
    """The card that a file of the model would have."""
    return Card.from_json({"model": describe(model), **CARD})


def randomised(model):
    """Parameters that start at zero get values that matter."""
    for name, parameter in model.named_parameters():
        if "grn" in name or name.endswith("scale.weight"):
            torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


def saved(folder, model, **facts):
    """Weights as a run leaves them."""
    folder.mkdir(parents=True, exist_ok=True)
    save_weights(folder / "weights.safetensors", model, {**CARD, **facts})
    return folder


@pytest.fixture(scope="module")
def atto(tmp_path_factory):
    model = randomised(Classifier(architecture("atto"), num_classes=5))
    return model, saved(tmp_path_factory.mktemp("atto"), model, classes=CLASSES)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    model = randomised(Classifier(SMALL, num_classes=5))
    return model, saved(tmp_path_factory.mktemp("small"), model, classes=CLASSES)


def traced(run, out, format, *more):
    """An export of a graph, in a process whose types nobody checks: sizes are symbols in it."""
    command = [sys.executable, "-m", "fcmae", "export", str(run), "--format", format]
    command += ["--out", str(out), *more, "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    result = SimpleNamespace(**json.loads(done.stdout))
    assert result.difference < (1e-4 if "float16" not in more else 3e-2)
    return result


def by_its_lines(exported, images, **more):
    """What the printed lines leave behind, run as they stand."""
    names = {"images": images, **more}
    exec("\n".join(exported.lines), names)
    return names


def assert_same(theirs, ours):
    assert_close(theirs, ours.detach(), rtol=1e-5, atol=1e-5)


IMAGES = [torch.randn(3, 3, 64, 64), torch.randn(1, 3, 96, 160)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["safetensors", "timm", "huggingface"])
def test_a_classifier_opened_by_its_lines_gives_the_same_logits(format, atto, tmp_path):
    model, run = atto
    exported = fcmae.export(weights=run, format=format, out=tmp_path / "out")
    for images in IMAGES:
        found = by_its_lines(exported, images)
        logits = found["model"](images)
        assert_same(logits.logits if format == "huggingface" else logits, model(images))


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_a_graph_opened_by_its_lines_gives_the_same_logits(small, tmp_path):
    model, run = small
    for format in ("torch-export", "onnx"):
        exported = traced(run, tmp_path / format, format)
        for images in IMAGES:
            inputs = images.numpy() if format == "onnx" else images
            found = by_its_lines(exported, inputs)
            outputs = found["outputs"]
            logits = torch.from_numpy(outputs[0]) if format == "onnx" else outputs
            assert_close(logits, model(images).detach(), rtol=1e-4, atol=1e-4)
    told = found["session"].get_modelmeta().custom_metadata_map
    assert json.loads(told["classes"]) == CLASSES
    assert (told["licence"], json.loads(told["mean"])) == ("cc-by-nc-4.0", list(MEAN))
    notes = {"facts.json": ""}
    torch.export.load(tmp_path / "torch-export" / "model.pt2", extra_files=notes)
    assert json.loads(notes["facts.json"])["lineage"][:-1] == LINEAGE


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_torchvision_opens_v1_by_its_lines(tmp_path):
    model = randomised(Classifier(architecture("v1-tiny"), num_classes=5))
    run = saved(tmp_path / "run", model, classes=CLASSES)
    exported = fcmae.export(weights=run, format="torchvision")
    assert exported.out == run / "export" / "torchvision"
    assert_same(by_its_lines(exported, IMAGES[0])["model"](IMAGES[0]), model(IMAGES[0]))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["timm", "huggingface"])
def test_an_encoder_gives_the_same_features_elsewhere(format, atto, tmp_path):
    model, run = atto
    exported = fcmae.export(weights=run, format=format, part="encoder", out=tmp_path / "out")
    theirs = by_its_lines(exported, IMAGES[0])["model"].eval()
    pooled = theirs(IMAGES[0]).pooler_output if format == "huggingface" else theirs(IMAGES[0])
    assert_same(pooled, model.features(IMAGES[0]))


@pytest.mark.filterwarnings("ignore")
def test_a_pyramid_is_a_backbone_of_transformers(tmp_path):
    pyramid = randomised(Pyramid(Classifier(SMALL, num_classes=2).encoder))
    for norm in pyramid.norms.values():
        torch.nn.init.normal_(norm.weight)
    run = saved(tmp_path / "run", pyramid)
    exported = fcmae.export(weights=run, format="huggingface")
    maps = by_its_lines(exported, IMAGES[1])["model"](IMAGES[1]).feature_maps
    for theirs, ours in zip(maps, pyramid(IMAGES[1]), strict=True):
        assert_same(theirs, ours)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_pyramid_in_onnx_takes_other_batches_and_sizes(small, tmp_path):
    model, run = small
    exported = traced(run, tmp_path / "out", "onnx", "--part", "pyramid")
    for images in IMAGES:
        outputs = by_its_lines(exported, images.numpy())["outputs"]
        for theirs, ours in zip(outputs, Pyramid(model.encoder)(images), strict=True):
            assert_close(torch.from_numpy(theirs), ours.detach(), rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_float16_stays_finite_where_activations_are_large(tmp_path):
    """A sum of squares of such activations is beyond float16, so statistics must not be in it."""
    model = randomised(Classifier(SMALL, num_classes=5))
    for block in model.encoder.stages[0]:
        block.expand.weight.data.mul_(1000)
    images = torch.randn(2, 3, 64, 64)
    caught = []
    block.contract.register_forward_pre_hook(lambda _, inputs: caught.append(inputs[0]))
    model(images)
    assert caught[0].square().sum(dim=1).max() > torch.finfo(torch.float16).max
    run = saved(tmp_path / "run", model)
    exported = traced(run, tmp_path / "out", "onnx", "--precision", "float16")
    outputs = by_its_lines(exported, images.numpy())["outputs"]
    assert np.isfinite(outputs[0]).all()


@pytest.mark.full
@pytest.mark.filterwarnings("ignore")
def test_an_autoencoder_reconstructs_in_a_graph(tmp_path):
    model = randomised(Autoencoder(SMALL, decoder=DecoderOptions(width=32)))
    run = saved(tmp_path / "run", model)
    exported = traced(run, tmp_path / "out", "torch-export")
    images, visible = torch.randn(1, 3, 64, 64), torch.tensor([[0, 3]])
    outputs = by_its_lines(exported, images, visible=visible)["outputs"]
    assert_close(outputs, model.pictures(images, visible).reconstruction, rtol=1e-4, atol=1e-4)


@pytest.mark.full(but=["Classifier-timm"])
@pytest.mark.parametrize(
    ("model", "format"),
    [
        (Classifier(architecture("atto"), num_classes=5), "official"),
        (Classifier(architecture("atto"), num_classes=5), "timm"),
        (Classifier(architecture("v1-tiny"), num_classes=5), "torchvision"),
        (Classifier(architecture("v1-tiny"), num_classes=5), "huggingface"),
        (Autoencoder(architecture("atto")), "official"),
        (Autoencoder(architecture("atto")), "safetensors"),
    ],
    ids=lambda x: x if isinstance(x, str) else type(x).__name__,
)
def test_what_was_exported_comes_back_bit_by_bit(model, format, tmp_path):
    run = saved(tmp_path / "run", randomised(model))
    exported = fcmae.export(weights=run, format=format, out=tmp_path / "out")
    (weights,) = [path for path in exported.files if path.suffix in (".pth", ".safetensors")]
    again = fcmae.load(weights)
    assert_close(dict(again.state_dict()), dict(model.state_dict()), rtol=0, atol=0)


def test_labels_input_licence_and_origin_travel_along(atto, tmp_path):
    _, run = atto
    out = fcmae.export(weights=run, format="huggingface", out=tmp_path / "hf").out
    config = json.loads((out / "config.json").read_text())
    assert config["id2label"] == {str(i): name for i, name in enumerate(CLASSES)}
    assert config["layer_norm_eps"] == 1e-6
    card = (out / "README.md").read_text()
    head = yaml.safe_load(card.split("---")[1])
    assert head["license"] == "cc-by-nc-4.0"
    assert "spruce" in card
    assert "timm:somewhere" in card
    out = fcmae.export(weights=run, format="timm", out=tmp_path / "timm").out
    config = json.loads((out / "config.json").read_text())
    assert config["label_names"] == CLASSES
    assert config["pretrained_cfg"]["mean"] == list(MEAN)
    assert config["pretrained_cfg"]["license"] == "cc-by-nc-4.0"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("format", ["timm", "huggingface"])
def test_their_preprocessing_gives_our_pixels(format, atto, tmp_path):
    _, run = atto
    exported = fcmae.export(weights=run, format=format, out=tmp_path / "out")
    found = by_its_lines(exported, None)
    folder = tmp_path / "pictures"
    folder.mkdir()
    picture = folder / "picture.png"
    waves = np.sin(np.arange(90)[:, None] / 9) * np.cos(np.arange(130) / 7)
    Image.fromarray((waves[..., None] * [90, 60, 30] + 128).astype(np.uint8)).save(picture)
    loader = Loader(workers=0, mean=MEAN, std=STD)
    images = find_images(folder, labels=False)
    view = EvaluationView((64, 64))
    batches = evaluation_batches(images, view, loader=loader, channels=3, batch_size=1)
    ours = next(iter(batches)).images[0]
    opened = Image.open(picture)
    if format == "timm":
        theirs = found["transform"](opened)
    else:
        theirs = found["processor"](opened, return_tensors="pt")["pixel_values"][0]
    # They round the side before the crop in ways of their own, which may move it by half a pixel.
    assert (theirs - ours).abs().mean() < 0.02


def test_a_format_that_cannot_hold_a_model_says_so(small, tmp_path):
    _, run = small
    with pytest.raises(ValueError, match="timm has no place for an autoencoder"):
        fcmae.export(weights=run, format="timm", part="autoencoder")
    with pytest.raises(CheckpointError, match="torchvision has v1-base"):
        fcmae.export(weights=run, format="torchvision")
    with pytest.raises(CheckpointError, match="part is autoencoder, but the weights are of"):
        fcmae.export(weights=run, format="onnx", part="autoencoder")
    with pytest.raises(ValueError, match="precision is float16"):
        fcmae.export(weights=run, format="timm", precision="float16")


def test_a_missing_library_is_named_at_once(small, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r'pip install "fcmae\[export\]"'):
        fcmae.export(weights=small[1], format="onnx")


def test_a_folder_with_other_things_is_left_alone(small, tmp_path):
    (tmp_path / "thesis.txt").write_text("do not touch")
    with pytest.raises(StorageError, match=r"holds thesis\.txt"):
        fcmae.export(weights=small[1], format="safetensors", out=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(ValueError, match="must be a folder"):
        fcmae.export(weights=small[1], format="onnx", out=tmp_path / "model.onnx")


def test_a_graph_that_computes_something_else_is_refused(small):
    model, _ = small
    facts = facts_of(model, card_of(model), part="classifier")
    with pytest.raises(FcmaeError, match=r"thrown away: its outputs differ .* by nan"):
        difference(model, lambda x: [outputs(model, x)[0] * torch.nan], facts, any_size=True)
    with pytest.raises(FcmaeError, match=r"at most 0\.0001 was expected of float32"):
        difference(model, lambda x: [outputs(model, x)[0] * 1.001 + 0.001], facts, any_size=True)
    assert difference(model, lambda x: outputs(model, x), facts, any_size=True) == 0
    with pytest.raises(FcmaeError, match=r"has the shape \(1,\), but the model's has \(1, 5\)"):
        difference(model, lambda x: [outputs(model, x)[0][:, 0]], facts, any_size=True)


def test_what_is_no_number_once_is_not_forgotten(small):
    model, _ = small
    calls = []

    def first_is_nan(inputs):
        calls.append(inputs)
        found = outputs(model, inputs)[0]
        return [found * torch.nan if len(calls) == 1 else found + 1e-6]

    with pytest.raises(FcmaeError, match="by nan"):
        difference(
            model, first_is_nan, facts_of(model, card_of(model), part="classifier"), any_size=True
        )
    assert len(calls) == 3


def test_what_an_earlier_export_left_goes_with_it(small, tmp_path):
    (tmp_path / "config.json").write_text("of the one before")
    (tmp_path / "model.onnx.data").write_text("of the one before")
    facts = facts_of(small[0], card_of(small[0]), part="encoder")
    with write._staged(tmp_path, FILES["onnx"]) as folder:
        (folder / "model.onnx").write_text(facts.name)
    assert {path.name for path in tmp_path.glob("[!.]*")} == {"config.json", "model.onnx"}


def test_a_disk_that_is_full_is_told_in_the_users_words(small, tmp_path, monkeypatch):
    def fill(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("fcmae.exports.timm.write", fill)
    facts = facts_of(small[0], card_of(small[0]), part="classifier")
    with pytest.raises(StorageError, match=r"No space left on device\. Please free some"):
        write.export(small[0], facts, "timm", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_a_run_is_converted(atto, tmp_path):
    model, run = atto
    there = fcmae.convert(weights=run, out=tmp_path / "timm", to="timm").out
    back = fcmae.convert(
        weights=there / "model.safetensors", out=tmp_path / "official", to="official"
    ).out
    again = fcmae.load(back / "weights.pth")
    assert_close(dict(again.state_dict()), dict(model.state_dict()), rtol=0, atol=0)


def test_every_format_holds_an_encoder():
    for format in ExportFormat.__args__:
        assert "encoder" in HOLDS[format]


def test_an_export_replaces_an_earlier_one_and_no_file_of_others(tmp_path: Path) -> None:
    file, out = tmp_path / "net.safetensors", tmp_path / "made"
    save_weights(file, Classifier(SMALL, num_classes=2), {"size": [32, 32]})
    for _ in range(2):
        fcmae.export(weights=file, format="safetensors", out=out)
    (out / "README.md").write_text("mine")
    with pytest.raises(StorageError, match=r"README\.md is there already and was not written"):
        fcmae.export(weights=file, format="safetensors", out=out)
    assert (out / "README.md").read_text() == "mine"
