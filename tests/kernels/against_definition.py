"""Kernels against the definition in float64: outputs and gradients, one table of tolerances."""

import torch

from fcmae.kernels import reference
from fcmae.model.layout import Visible

TOLERANCE = {torch.float32: 2e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}  # of the largest value
EPS = 1e-6


def masked(n, grid, visible, side):
    """A layout of patches drawn at random."""
    patches = torch.stack([torch.randperm(grid[0] * grid[1])[:visible] for _ in range(n)])
    return Visible(patches.sort(dim=1).values, grid, side)


def depthwise_leaves(n, positions, channels, dtype):
    shapes = [(n, positions, channels), (channels, 1, 7, 7), (channels,)]
    return [torch.randn(*shape).to(dtype) for shape in shapes]


def gelu_grn(x, gamma, beta):
    """The definition."""
    return reference.grn(torch.nn.functional.gelu(x), gamma, beta, EPS)


def layer_norm(x, weight, bias):
    """The definition."""
    return torch.nn.functional.layer_norm(x, weight.shape, weight, bias, EPS)


def gradients(function, leaves, upstream):
    """The output and the gradients of all leaves."""
    leaves = [leaf.detach().clone().requires_grad_() for leaf in leaves]
    y = function(*leaves)
    y.backward(upstream.to(y.dtype))
    return [y.detach(), *(leaf.grad for leaf in leaves)]


def assert_near(function, definition, leaves):
    """Ours, in the leaves' types, against the definition in float64."""
    exact_leaves = [leaf.double() for leaf in leaves]
    upstream = torch.randn_like(definition(*exact_leaves))
    ours = gradients(function, leaves, upstream)
    exact = gradients(definition, exact_leaves, upstream)
    for mine, right, leaf in zip(ours, exact, [leaves[0], *leaves], strict=True):
        assert mine.shape == right.shape
        assert mine.dtype == leaf.dtype
        error = (mine.double() - right).abs().max() / right.abs().max().clamp_min(1e-3)
        assert error < TOLERANCE[leaves[0].dtype]
