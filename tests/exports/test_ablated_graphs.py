"""Graphs of variants of the ablations, each traced in a process whose types nobody checks."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

from fcmae.checkpoint.weights import save_weights
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.grn_options import Response
from fcmae.model.options import Architecture, DecoderOptions

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(8, 16, 24, 32))
MODELS = {
    **{
        kind: lambda kind=kind: Classifier(replace(SMALL, grn=Response(kind=kind)), num_classes=2)
        for kind in ("lrn", "batchnorm", "se", "cbam")
    },
    **{
        kind: lambda kind=kind: Autoencoder(SMALL, decoder=DecoderOptions(kind=kind, width=32))
        for kind in ("block", "unet", "unet-skip", "transformer")
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "torch-export"])
@pytest.mark.parametrize("kind", MODELS)
def test_a_graph_of_a_variant_computes_what_the_model_does(
    kind: str, format: str, tmp_path: Path
) -> None:
    model = MODELS[kind]()
    for parameter in model.parameters():
        if parameter.ndim == 1:
            nn.init.normal_(parameter, mean=1.0, std=0.3)
    save_weights(tmp_path / "weights.safetensors", model, {"size": [64, 64]})
    command = [sys.executable, "-m", "fcmae", "export", f"{tmp_path}", "--format", format]
    command += ["--out", f"{tmp_path / 'out'}", "--json", "-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["difference"] < 1e-4
