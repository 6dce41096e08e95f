from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fcmae.analysis.cost import NORM_OPERATIONS, cost
from fcmae.kernels import choice
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.grn_options import Response
from fcmae.model.options import Architecture, DecoderOptions, architecture

PAPER = {
    # millions of parameters: classifier (1,000 classes), encoder, decoder; GFLOPs at 224 px
    "atto": (3.71, 3.39, 3.87, "0.55"),
    "femto": (5.23, 4.85, 3.90, "0.78"),
    "pico": (9.07, 8.55, 3.97, "1.37"),
    "nano": (15.62, 14.98, 4.04, "2.45"),
    "tiny": (28.64, 27.86, 4.10, "4.47"),
    "base": (88.72, 87.69, 4.23, "15.4"),
    "large": (197.96, 196.42, 4.49, "34.4"),
    "huge": (660.29, 657.47, 5.15, "115"),
}


@pytest.mark.parametrize("name", PAPER)
def test_the_cost_is_the_papers(name: str) -> None:
    classifier, encoder, decoder, gflops = PAPER[name]
    counted = cost(architecture(name))
    assert round(counted.parameters / 1e6, 2) == classifier
    assert round(counted.encoder_parameters / 1e6, 2) == encoder
    assert round(counted.decoder_parameters / 1e6, 2) == decoder
    decimals = len(gflops.partition(".")[2])
    assert f"{counted.gflops:.{decimals}f}" == gflops


ODD = Architecture(version=1, depths=(1, 2, 1, 1), dims=(4, 8, 12, 20), channels=5, stem=2)


@pytest.mark.parametrize("arch", [ODD, replace(ODD, version=2, stem=1)], ids=["V1", "V2"])
def test_parameters_are_those_of_the_model(arch: Architecture) -> None:
    counted = cost(arch, num_classes=7, decoder=DecoderOptions(depth=2, width=24))
    autoencoder = Autoencoder(arch, decoder=DecoderOptions(depth=2, width=24))
    for module, number in [
        (Classifier(arch, num_classes=7), counted.parameters),
        (autoencoder.encoder, counted.encoder_parameters),
        (autoencoder.decoder, counted.decoder_parameters),
    ]:
        assert sum(p.numel() for p in module.parameters()) == number


@pytest.mark.parametrize("kind", ["block", "unet", "unet-skip", "transformer"])
def test_parameters_of_every_decoder_are_counted(kind: Literal["block", "unet"]) -> None:
    decoder = DecoderOptions(kind=kind, depth=2, width=32)
    counted = cost(ODD, decoder=decoder).decoder_parameters
    assert sum(p.numel() for p in Autoencoder(ODD, decoder=decoder).decoder.parameters()) == counted


RESPONSES = [
    Response(kind="none"),
    Response(kind="lrn"),
    Response(kind="batchnorm"),
    Response(kind="layernorm"),
    Response(kind="se"),
    Response(kind="cbam"),
    Response(aggregation="l1"),
    Response(affine=False),
]


@pytest.mark.parametrize("response", RESPONSES, ids=str)
def test_what_stands_in_place_of_grn_is_counted(response: Response) -> None:
    arch = replace(ODD, version=2, grn=response)
    model = Classifier(arch, num_classes=7)
    counted = cost(arch, size=(32, 64), num_classes=7)
    assert sum(p.numel() for p in model.parameters()) == counted.parameters
    with choice.using("reference"), FlopCounterMode(display=False) as counter, torch.no_grad():
        model.eval()(torch.zeros(1, 5, 32, 64))
    norms = NORM_OPERATIONS * (1 + 4 * (response.kind == "layernorm"))
    normed = sum(
        norms * depth * c * (16 * 32) // 4**stage
        for stage, (depth, c) in enumerate(zip(arch.depths, arch.dims, strict=True))
    )
    assert counted.gflops * 1e9 == pytest.approx(counter.get_total_flops() / 2 + normed, rel=1e-12)


@pytest.mark.parametrize(("kind", "millions"), [("none", 88.6), ("se", 109.6), ("cbam", 109.6)])
def test_gates_cost_what_table_2_says(kind: Literal["none", "se", "cbam"], millions: float) -> None:
    arch = replace(architecture("base"), grn=Response(kind=kind))
    assert cost(arch).parameters / 1e6 == pytest.approx(millions, abs=0.1)


def test_operations_are_those_that_run() -> None:
    model = Classifier(ODD, num_classes=7)
    # PyTorch counts its own operators only.
    with choice.using("reference"), FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 5, 32, 64))
    norms = sum(
        NORM_OPERATIONS * depth * c * (16 * 32) // 4**stage
        for stage, (depth, c) in enumerate(zip(ODD.depths, ODD.dims, strict=True))
    )
    counted = cost(ODD, size=(32, 64), num_classes=7).gflops
    assert counted * 1e9 == pytest.approx(counter.get_total_flops() / 2 + norms, rel=1e-12)


@pytest.mark.parametrize(("side", "gflops"), [(384, "337.9"), (512, "600.7")])
def test_the_cost_of_larger_images_is_the_papers(side: int, gflops: str) -> None:
    assert f"{cost(architecture('huge'), size=(side, side)).gflops:.1f}" == gflops
