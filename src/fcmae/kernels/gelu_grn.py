"""GELU followed by GRN, as V2's block has them, without a pass of its own for either."""

import torch
from torch import Tensor

from fcmae.kernels import gpu, native
from fcmae.kernels.choice import directly, implementation
from fcmae.kernels.grn import grn
from fcmae.types import Features, PerChannel

TASKS = 16
"""With fewer images than this, images are cut into parts, so that threads have something to do."""
SMALLEST_PART = 32


def gelu_grn(x: Features, gamma: PerChannel, beta: PerChannel, eps: float) -> Features:
    """``grn(gelu(x), gamma, beta, eps)``; the backward pass computes GELU again from ``x``."""
    if implementation(x) == "reference":
        return grn(torch.nn.functional.gelu(x), gamma, beta, eps)
    y: Tensor
    compute = _compute if directly(x) else _gelu_grn
    y, _ = compute(x.contiguous(), gamma.float(), beta.float(), eps)
    return y


def _compute(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """The output, and the energy of each channel of each image."""
    y = torch.empty_like(x)
    energy = x.new_empty(x.shape[0], x.shape[2], dtype=torch.float32)
    parts = _parts(x)
    squares = x.new_empty(x.shape[0], parts, x.shape[2], dtype=torch.float32)
    native.call(
        "fcmae_gelu_grn",
        torch.tensor([*x.shape, parts]), eps, native.TYPES[x.dtype], x, gamma, beta,
        squares, energy, y,
    )  # fmt: skip
    return y, energy


_gelu_grn = torch.library.custom_op(
    "fcmae::gelu_grn", _compute, mutates_args=(), device_types="cpu"
)


@torch.library.custom_op("fcmae::gelu_grn_backward", mutates_args=(), device_types="cpu")
def _gelu_grn_backward(
    x: Tensor, gamma: Tensor, energy: Tensor, grad: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the input, and of gamma and beta by image."""
    grad_x = torch.empty_like(x)
    grad_gamma, grad_beta = torch.empty_like(energy), torch.empty_like(energy)
    parts = _parts(x)
    sums = x.new_empty(x.shape[0], parts, 2, x.shape[2], dtype=torch.float32)
    native.call(
        "fcmae_gelu_grn_backward",
        torch.tensor([*x.shape, parts]), eps, native.TYPES[x.dtype], x, gamma, energy, grad,
        sums, grad_x, grad_gamma, grad_beta,
    )  # fmt: skip
    return grad_x, grad_gamma, grad_beta


def _parts(x: Tensor) -> int:
    """Parts of an image that threads may share: what the shape says, so that sums never differ."""
    images, positions, _ = x.shape
    return max(1, min(TASKS // max(1, images), positions // SMALLEST_PART))


@_gelu_grn.register_kernel(gpu.DEVICE)
def _(*arguments):  # type: ignore[no-untyped-def]
    from fcmae.kernels.triton.gelu_grn import gelu_grn

    return gelu_grn(*arguments)


@_gelu_grn_backward.register_kernel(gpu.DEVICE)
def _(*arguments):  # type: ignore[no-untyped-def]
    from fcmae.kernels.triton.gelu_grn import gelu_grn_backward

    return gelu_grn_backward(*arguments)


@_gelu_grn.register_fake
def _(x, gamma, beta, eps):  # type: ignore[no-untyped-def]
    return torch.empty_like(x), x.new_empty(x.shape[0], x.shape[2], dtype=torch.float32)


@_gelu_grn_backward.register_fake
def _(x, gamma, energy, grad, eps):  # type: ignore[no-untyped-def]
    return torch.empty_like(x), torch.empty_like(energy), torch.empty_like(energy)


def _save(ctx, inputs, output):  # type: ignore[no-untyped-def]
    x, gamma, _, ctx.eps = inputs
    ctx.save_for_backward(x, gamma, output[1])
    ctx.mark_non_differentiable(output[1])


def _backward(ctx, grad, _):  # type: ignore[no-untyped-def]
    x, gamma, energy = ctx.saved_tensors
    grad_x, by_gamma, by_beta = _gelu_grn_backward(x, gamma, energy, grad.contiguous(), ctx.eps)
    return grad_x, by_gamma.sum(0), by_beta.sum(0), None


_gelu_grn.register_autograd(_backward, setup_context=_save)
