"""GRN against its definition, written out in plain float64 loops."""

import re

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from fcmae.model.layers import GRN

SHAPES = [(1, 1, 1, 1), (2, 7, 7, 40), (3, 5, 2, 13)]  # n h w c; 13 and 5 x 2 fit no tile
TOLERANCE = {torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 2e-2}


def definition(x: np.ndarray, gamma: np.ndarray, beta: np.ndarray, eps: float) -> np.ndarray:
    """Aggregate, normalise, calibrate: one image and one channel at a time."""
    y = np.empty_like(x)
    n, _, _, c = x.shape
    for i in range(n):
        energy = [np.sqrt((x[i, :, :, k] ** 2).sum()) for k in range(c)]
        for k in range(c):
            relative = energy[k] / (sum(energy) / c + eps)
            y[i, :, :, k] = gamma[k] * (x[i, :, :, k] * relative) + beta[k] + x[i, :, :, k]
    return y


def layer(channels: int, dtype: torch.dtype = torch.float32, *, channels_last: bool = True) -> GRN:
    grn = GRN(channels, channels_last=channels_last).to(dtype)
    torch.nn.init.normal_(grn.gamma)  # at their initial zeros they would hide every mistake
    torch.nn.init.normal_(grn.beta)
    return grn


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES)
def test_matches_the_definition(shape, dtype):
    x, grn = torch.randn(shape).to(dtype), layer(shape[-1], dtype)
    expected = definition(*(t.detach().double().numpy() for t in (x, grn.gamma, grn.beta)), grn.eps)
    tol = TOLERANCE[dtype]
    assert_close(grn(x).double(), torch.from_numpy(expected), rtol=tol, atol=tol)


def test_gradients_match_finite_differences():
    x = torch.randn(2, 3, 3, 5, dtype=torch.float64, requires_grad=True)
    grn = layer(5, torch.float64)
    torch.autograd.gradcheck(
        lambda x, gamma, beta: torch.func.functional_call(grn, {"gamma": gamma, "beta": beta}, x),
        (x, grn.gamma, grn.beta),
    )


def test_is_the_identity_at_initialisation():
    x = torch.randn(2, 4, 4, 8)
    assert_close(GRN(8)(x), x, rtol=0, atol=0)


@pytest.mark.parametrize("shape", [(2, 8), (2, 8, 5), (2, 8, 5, 3), (2, 8, 5, 3, 2)])
def test_channels_first_and_last_agree_at_any_rank(shape):
    x, last = torch.randn(shape), layer(8)
    first = GRN(8, channels_last=False)
    first.load_state_dict(last.state_dict())
    assert_close(first(x), last(x.movedim(1, -1)).movedim(-1, 1))


def test_an_image_does_not_see_its_batch():
    x, grn = torch.randn(3, 4, 4, 8), layer(8)
    assert_close(grn(x)[:1], grn(x[:1]))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("value", [0.0, 1e-8, 1.0, 10.0, 300.0, 2000.0])
@pytest.mark.parametrize("side", [7, 56])
def test_outputs_and_gradients_stay_finite(value, side, dtype):
    """Black, faint, flat and glaring images; float16 ends at 65504."""
    x = torch.full((1, side, side, 4), value, dtype=dtype, requires_grad=True)
    grn = GRN(4).to(dtype)
    torch.nn.init.ones_(grn.gamma)
    y = grn(x)
    (y * torch.linspace(-1, 1, y.numel()).view(y.shape).to(dtype)).sum().backward()
    assert torch.isfinite(y).all()
    assert torch.isfinite(x.grad).all()
    assert torch.isfinite(grn.gamma.grad).all()


def test_channels_on_the_wrong_axis_are_named():
    message = (
        "GRN has 8 channels, which must be the second of at least two axes, "
        "but the input has shape (2, 5, 8)."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        GRN(8, channels_last=False)(torch.zeros(2, 5, 8))


@pytest.mark.parametrize("channels_last", [True, False])
def test_one_axis_is_refused_in_our_words(channels_last):
    with pytest.raises(ValueError, match="of at least two axes"):
        GRN(8, channels_last=channels_last)(torch.zeros(8))


@pytest.mark.parametrize("shape", [(0, 4, 4, 8), (0, 8), (2, 0, 8)])
def test_nothing_in_is_nothing_out(shape):
    x, grn = torch.zeros(shape, requires_grad=True), layer(8)
    y = grn(x)
    y.sum().backward()
    assert y.shape == x.grad.shape == shape
    assert_close(grn.gamma.grad, torch.zeros(8))
