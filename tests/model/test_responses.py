"""What stands in GRN's place: against definitions in plain loops, and under masks."""

import math
import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from ablated import RESPONSES, awake, masks, tiny
from torch.testing import assert_close

from fcmae.kernels import choice
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.block import Block
from fcmae.model.encoder import Encoder
from fcmae.model.grn_options import Grn, Response
from fcmae.model.grn_variants import response_layer
from fcmae.model.layers import GRN
from fcmae.model.layout import Dense
from fcmae.model.options import Architecture, DecoderOptions
from fcmae.optim.groups import decays

Weights = dict[str, np.ndarray]
HEIGHT, WIDTH, CHANNELS = 3, 4, 32


def sums_of(x: np.ndarray, aggregation: str) -> np.ndarray:
    """One number per channel of an image."""
    of_channel: dict[str, Callable[[np.ndarray], float]] = {
        "l2": lambda channel: math.sqrt(sum(v * v for v in channel)),
        "l1": lambda channel: sum(abs(v) for v in channel),
        "mean": lambda channel: sum(channel) / len(channel),
    }
    return np.array([of_channel[aggregation](x[:, k]) for k in range(x.shape[1])])


def normalised(sums: np.ndarray, normalization: str) -> np.ndarray:
    if normalization == "mean":
        return np.array([s / (sum(sums) / len(sums) + 1e-6) for s in sums])
    if normalization == "sum":
        return np.array([1 / (sum(sums) + 1e-6) for _ in sums])
    if normalization == "standardize":
        mean = sum(sums) / len(sums)
        variance = sum((s - mean) ** 2 for s in sums) / len(sums)
        return np.array([(s - mean) / math.sqrt(variance + 1e-6) for s in sums])
    return sums


def grn(x: np.ndarray, weights: Weights, response: Response) -> np.ndarray:
    """Table 2's definition of one image: aggregate, normalise, calibrate."""
    y = np.empty_like(x)
    for p in range(x.shape[0]):
        for k in range(x.shape[1]):
            if response.aggregation == "none":
                relative = (
                    1.0 if response.normalization == "none" else x[p, k] / (x[p].mean() + 1e-6)
                )
            else:
                sums = sums_of(x, response.aggregation)
                relative = normalised(sums, response.normalization)[k]
            y[p, k] = x[p, k] * relative
            if response.affine:
                y[p, k] = weights["gamma"][k] * y[p, k] + weights["beta"][k]
            if response.residual:
                y[p, k] += x[p, k]
    return y


def lrn(x: np.ndarray) -> np.ndarray:
    """Krizhevsky 2012: over the two channels before and the two after."""
    y = np.empty_like(x)
    for p in range(x.shape[0]):
        for k in range(x.shape[1]):
            near = x[p, max(0, k - 2) : k + 3]
            y[p, k] = x[p, k] / (2 + 1e-4 * sum(v * v for v in near)) ** 0.75
    return y


def normed(rows: np.ndarray, weights: Weights, eps: float) -> np.ndarray:
    """Zero mean and unit variance of each row, then scale and shift by column or row."""
    mean = rows.mean(axis=1, keepdims=True)
    variance = ((rows - mean) ** 2).mean(axis=1, keepdims=True)
    return (rows - mean) / np.sqrt(variance + eps)


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def gate(summary: np.ndarray, weights: Weights) -> np.ndarray:
    inner = np.maximum(0, weights["gate.0.weight"] @ summary + weights["gate.0.bias"])
    return weights["gate.2.weight"] @ inner + weights["gate.2.bias"]


def se(x: np.ndarray, weights: Weights) -> np.ndarray:
    return x * sigmoid(gate(x.mean(axis=0), weights))


def cbam(x: np.ndarray, weights: Weights) -> np.ndarray:
    """Woo 2018: the gate of channels on mean and maximum, then a 7 x 7 convolution."""
    y = x * sigmoid(gate(x.mean(axis=0), weights) + gate(x.max(axis=0), weights))
    maps = np.stack([y.mean(axis=1), y.max(axis=1)]).reshape(2, HEIGHT, WIDTH)
    padded = np.pad(maps, ((0, 0), (3, 3), (3, 3)))
    out = np.empty_like(y)
    for r in range(HEIGHT):
        for s in range(WIDTH):
            window = padded[:, r : r + 7, s : s + 7]
            found = (window * weights["spatial.weight"][0]).sum() + weights["spatial.bias"][0]
            out[r * WIDTH + s] = y[r * WIDTH + s] * sigmoid(found)
    return out


def definition(x: np.ndarray, weights: Weights, response: Response) -> np.ndarray:
    match response.kind:
        case "grn":
            return np.stack([grn(image, weights, response) for image in x])
        case "lrn":
            return np.stack([lrn(image) for image in x])
        case "layernorm":
            y = normed(x.reshape(-1, CHANNELS), weights, 1e-6).reshape(x.shape)
            return y * weights["norm.weight"] + weights["norm.bias"]
        case "batchnorm":
            y = normed(x.reshape(-1, CHANNELS).T, weights, 1e-5).T.reshape(x.shape)
            return y * weights["norm.weight"] + weights["norm.bias"]
        case "se":
            return np.stack([se(image, weights) for image in x])
        case "cbam":
            return np.stack([cbam(image, weights) for image in x])
    raise AssertionError(response)


BUT_NONE = {name: response for name, response in RESPONSES.items() if name != "none"}
BUT_NONE["normalise-only"] = Response(aggregation="none")


@pytest.mark.parametrize("response", BUT_NONE.values(), ids=list(BUT_NONE))
def test_a_response_is_its_definition(response):
    layer = response_layer(CHANNELS, response)
    assert layer is not None
    for parameter in layer.parameters():
        torch.nn.init.normal_(parameter)
    layer.double()
    x = torch.randn(2, HEIGHT * WIDTH, CHANNELS, dtype=torch.float64)
    weights = {name: p.detach().numpy() for name, p in layer.named_parameters()}
    expected = torch.from_numpy(definition(x.numpy(), weights, response))
    assert_close(layer(x, Dense(HEIGHT, WIDTH)), expected, rtol=1e-10, atol=1e-10)


def test_the_default_is_the_very_grn_of_the_paper():
    block = Block(8, response=Response())
    assert type(block.grn) is GRN
    assert {name for name, _ in block.named_parameters()} == {
        name for name, _ in Block(8).named_parameters()
    }
    same = response_layer(CHANNELS, Response(aggregation="l1"))
    same.response = Response()
    original = GRN(CHANNELS)
    torch.nn.init.normal_(original.gamma)
    same.load_state_dict(original.state_dict())
    x = torch.randn(2, 6, CHANNELS)
    assert_close(same(x, Dense(2, 3)), original(x))


@pytest.mark.parametrize("response", RESPONSES.values(), ids=list(RESPONSES))
def test_visible_only_equals_masked_dense_for_every_response(response):
    model = awake(Autoencoder(tiny(response), decoder=DecoderOptions(width=16))).double()
    images, visible = torch.randn(2, 3, 64, 96, dtype=torch.float64), masks(2, 64, 96)
    results = []
    for masked_dense in (False, True):
        model.zero_grad()
        out = model(images, visible, masked_dense=masked_dense)
        out.loss.backward()
        gradients = {n: p.grad.clone() for n, p in model.named_parameters()}
        assert all(torch.isfinite(g).all() for g in gradients.values())
        results.append((out.prediction, gradients))
    assert_close(results[0], results[1], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("response", RESPONSES.values(), ids=list(RESPONSES))
def test_hidden_pixels_reach_no_response(response):
    encoder = awake(Encoder(tiny(response)))
    images, visible = torch.randn(2, 3, 64, 64, requires_grad=True), masks(2, 64, 64)
    for masked_dense in (False, True):
        encoded = encoder(images, visible, masked_dense=masked_dense)
        seen = encoded.layout.to_map(encoded.features)
        [gradient] = torch.autograd.grad(seen.square().sum(), images)
        reached = torch.nn.functional.avg_pool2d(gradient.abs().sum(1, keepdim=True), 32) > 0
        expected = torch.zeros(2, 4, dtype=torch.bool).scatter(1, visible, True)
        assert_close(reached.flatten(1), expected)


@pytest.mark.parametrize("name", [n for n in RESPONSES if n != "batchnorm"])
def test_an_image_does_not_see_its_batch(name):
    encoder = awake(Encoder(tiny(RESPONSES[name])))
    images = torch.randn(3, 3, 32, 64)
    alone = encoder(images[:1]).features
    assert_close(encoder(images).features[:1], alone, rtol=1e-4, atol=1e-4)


def test_batch_statistics_are_those_of_visible_positions_and_are_kept_for_evaluation():
    encoder = awake(Encoder(tiny(RESPONSES["batchnorm"])))
    images, visible = torch.randn(4, 3, 64, 64), masks(4, 64, 64)
    kept = []
    for masked_dense in (False, True):
        for name, buffer in encoder.named_buffers():
            buffer.fill_("var" in name)
        encoder(images, visible, masked_dense=masked_dense)
        kept.append({name: x.clone() for name, x in encoder.named_buffers()})
    assert_close(kept[0], kept[1], rtol=1e-4, atol=1e-5)
    encoder.eval()
    together = encoder(images, visible).features
    assert_close(together[:1], encoder(images[:1], visible[:1]).features, rtol=1e-4, atol=1e-4)
    assert_close(dict(encoder.named_buffers()), kept[1], rtol=0, atol=0)


def test_recomputed_blocks_would_count_batches_twice():
    with pytest.raises(ValueError, match=r'leave encoder=\{"checkpointing": \.\.\.\} out'):
        Encoder(tiny(RESPONSES["batchnorm"]), checkpointing=True)


@pytest.mark.parametrize("name", ["l1", "standardize", "cbam", "batchnorm"])
def test_black_images_in_low_precision_stay_finite(name):
    encoder = awake(Encoder(tiny(RESPONSES[name])))
    images = torch.zeros(2, 3, 64, 64, requires_grad=True)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        features = encoder(images, masks(2, 64, 64)).features
    features.float().square().sum().backward()
    assert torch.isfinite(features).all()
    assert all(torch.isfinite(p.grad).all() for p in encoder.parameters())


def test_the_kernels_convolve_the_two_maps_of_cbam():
    encoder = awake(Encoder(tiny(RESPONSES["cbam"])))
    images, visible = torch.randn(2, 3, 64, 64), masks(2, 64, 64)
    with choice.using("reference"):
        expected = encoder(images, visible).features
    assert_close(encoder(images, visible).features, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("response", RESPONSES.values(), ids=list(RESPONSES))
def test_only_the_matrices_of_a_response_decay(response):
    for name, parameter in Encoder(tiny(response)).named_parameters():
        if ".grn." in name:
            matrix = name.endswith("weight") and ("gate" in name or "spatial" in name)
            assert decays(name, parameter) == matrix, name


def test_what_is_asked_for_goes_over_what_there_is():
    mean = Response(aggregation="mean", residual=False)
    assert Grn().over(mean) == mean
    assert Grn(aggregation="l1").over(mean) == Response(aggregation="l1", residual=False)
    assert Grn(kind="none").over(mean) == Response(kind="none")
    assert Grn(kind="grn").over(Response(kind="se")) == Response()
    assert Grn(kind="grn").over(mean) == mean
    assert Grn(stages=(1, 2)).over(mean) == replace(mean, stages=(1, 2))


def test_the_stages_that_are_left_out_have_nothing():
    names = dict(Encoder(tiny(Response(stages=(2, 4)))).named_parameters())
    assert {name[7] for name in names if ".grn." in name} == {"1", "3"}
    batchnorm = Encoder(tiny(Response(kind="batchnorm", stages=(1,))))
    assert {name[7] for name, _ in batchnorm.named_buffers()} == {"0"}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: Response(kind="se", residual=False),
            "grn.residual is False, but grn.kind is se, which has no such part: leave "
            'grn={"residual": ...} out, or take grn={"kind": "grn"}.',
        ),
        (
            lambda: Response(kind="none", stages=(1, 2)),
            "grn.stages is (1, 2), but grn.kind is none, which is nothing in all of them",
        ),
        *(
            (
                lambda stages=stages: Grn(stages=stages),
                f"grn.stages is {stages}, but must be some of the stages 1 to 4, in this order",
            )
            for stages in ((), (0, 1), (2, 1), (1, 1), (5,))
        ),
        (
            lambda: Architecture(version=1, grn=Response(kind="none")),
            "ConvNeXt V1 has no GRN that grn= could change: leave it out, or take V2.",
        ),
    ],
)
def test_what_no_block_can_have_is_refused(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()
