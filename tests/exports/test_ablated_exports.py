"""Variants of the ablations are refused where another library would build something else."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

import fcmae
from fcmae.checkpoint.weights import load_model, save_weights
from fcmae.errors import CheckpointError
from fcmae.masking import Mask
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.grn_options import Response
from fcmae.model.options import Architecture, DecoderOptions

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(8, 16, 24, 32))
CARD = {"size": [64, 64]}


@pytest.mark.parametrize("format", ["official", "timm", "huggingface", "torchvision"])
@pytest.mark.parametrize(
    "response",
    [Response(kind="none"), Response(kind="se"), Response(aggregation="l1")],
    ids=["none", "se", "l1"],
)
def test_a_library_that_knows_only_grn_gets_nothing_else(
    format: str, response: Response, tmp_path: Path
) -> None:
    model = Classifier(replace(SMALL, grn=response), num_classes=2)
    save_weights(tmp_path / "weights.safetensors", model, CARD)
    with pytest.raises(CheckpointError) as refused:
        fcmae.export(weights=tmp_path, format=format, out=tmp_path / "out")
    said = str(refused.value)
    assert "\n" not in said
    assert said.startswith(f"{format} cannot hold this model: ")
    assert "safetensors, onnx and torch-export hold every model." in said
    assert format == "torchvision" or "grn.*" in said
    assert not (tmp_path / "out").exists()


def test_the_authors_code_has_no_other_decoder(tmp_path: Path) -> None:
    model = Autoencoder(SMALL, decoder=DecoderOptions(kind="unet", width=8))
    save_weights(tmp_path / "weights.safetensors", model, CARD)
    says = r"the authors' decoder is of kind block, not unet \(part=.encoder. fits\)"
    with pytest.raises(CheckpointError, match=says):
        fcmae.export(weights=tmp_path, format="official", out=tmp_path / "out")
    fcmae.export(weights=tmp_path, format="official", part="encoder", out=tmp_path / "out")


def test_our_own_file_holds_every_variant(tmp_path: Path) -> None:
    model = Autoencoder(
        replace(SMALL, grn=Response(kind="cbam")),
        decoder=DecoderOptions(kind="unet-skip", width=8),
        mask=Mask(convolution="leaking-token"),
    )
    save_weights(tmp_path / "weights.safetensors", model, CARD)
    fcmae.export(weights=tmp_path, format="safetensors", part="encoder", out=tmp_path / "out")
    read, _ = load_model(tmp_path / "out" / "weights.safetensors")
    images = torch.randn(1, 3, 64, 64)
    torch.testing.assert_close(
        read(images).features, model.encoder.eval()(images).features, rtol=0, atol=0
    )
