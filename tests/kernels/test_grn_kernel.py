"""The faster GRN against its plain definition: outputs and every gradient."""

import pytest
import torch
from torch.testing import assert_close

from fcmae.kernels import reference
from fcmae.kernels.grn import CACHE_BYTES, grn

TOLERANCE = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 4e-3, torch.bfloat16: 3e-2}
SHAPES = [(1, 1, 1), (2, 49, 40), (3, 10, 13), (5, 63, 1023), (2, CACHE_BYTES // 400, 161)]


def gradients(function, x, gamma, beta, upstream):
    leaves = [t.clone().requires_grad_() for t in (x, gamma, beta)]
    y = function(*leaves, 1e-6)
    y.backward(upstream)
    return [y.detach(), *(leaf.grad for leaf in leaves)]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_the_definition_with_all_gradients(shape, dtype):
    """Half precision is held to the definition in float64, which is what it approximates."""
    x, upstream = torch.randn(shape).to(dtype), torch.randn(shape).to(dtype)
    gamma, beta = torch.randn(shape[-1]), torch.randn(shape[-1])
    if dtype == torch.float64:
        gamma, beta = gamma.double(), beta.double()
    ours = gradients(grn, x, gamma, beta, upstream)
    exact = gradients(reference.grn, x.double(), gamma.double(), beta.double(), upstream.double())
    for mine, right in zip(ours, exact, strict=True):
        error = (mine.double() - right).norm() / right.norm().clamp_min(1e-6)
        assert error < TOLERANCE[dtype]


def test_gradients_match_finite_differences():
    x = torch.randn(2, 9, 5, dtype=torch.float64, requires_grad=True)
    gamma, beta = (torch.randn(5, dtype=torch.float64, requires_grad=True) for _ in range(2))
    torch.autograd.gradcheck(lambda *leaves: grn(*leaves, 1e-6), (x, gamma, beta))


def test_a_silent_channel_has_the_gradient_of_the_definition():
    x = torch.randn(2, 9, 5)
    x[:, :, 2] = 0
    gamma, beta, upstream = torch.randn(5), torch.randn(5), torch.randn(2, 9, 5)
    ours = gradients(grn, x, gamma, beta, upstream)
    assert_close(ours, gradients(reference.grn, x, gamma, beta, upstream))
