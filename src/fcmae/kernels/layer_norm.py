"""LayerNorm over the last axis, as the blocks have it."""

import torch
from jaxtyping import Float
from torch import Tensor

from fcmae.kernels import gpu, native
from fcmae.kernels.choice import directly, implementation
from fcmae.types import PerChannel

NormRows = Float[Tensor, "... c"]

PARTS = 32
"""The gradients of weight and bias are summed in this many parts at most, whatever the number of
threads, so that the sum does not depend on it."""


def layer_norm(x: NormRows, weight: PerChannel, bias: PerChannel, eps: float) -> NormRows:
    """Zero mean and unit variance over channels, position by position, then scale and shift."""
    if implementation(x) == "reference":
        return torch.nn.functional.layer_norm(x, weight.shape, weight, bias, eps)
    y: Tensor
    compute = _compute if directly(x) else _layer_norm
    y, _, _ = compute(x.contiguous(), weight.float(), bias.float(), eps)
    return y


def _compute(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """The output, and mean and inverse deviation of each position."""
    y = torch.empty_like(x)
    mean = x.new_empty(x.shape[:-1], dtype=torch.float32)
    inverse = torch.empty_like(mean)
    native.call(
        "fcmae_layer_norm",
        _shape(x), eps, native.TYPES[x.dtype], x, weight, bias, y, mean, inverse,
    )  # fmt: skip
    return y, mean, inverse


_layer_norm = torch.library.custom_op(
    "fcmae::layer_norm", _compute, mutates_args=(), device_types="cpu"
)


@torch.library.custom_op("fcmae::layer_norm_backward", mutates_args=(), device_types="cpu")
def _layer_norm_backward(
    x: Tensor, weight: Tensor, mean: Tensor, inverse: Tensor, grad: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of the input, and of weight and bias as two rows."""
    grad_x = torch.empty_like(x)
    rows_per_part = max(1, -(-mean.numel() // PARTS))
    num_parts = -(-mean.numel() // rows_per_part)
    parts = x.new_empty(num_parts, 2, x.shape[-1], dtype=torch.float32)
    native.call(
        "fcmae_layer_norm_backward",
        _shape(x), native.TYPES[x.dtype], x, weight, mean, inverse, grad,
        grad_x, rows_per_part, parts,
    )  # fmt: skip
    return grad_x, parts.sum(0)


def _shape(x: Tensor) -> Tensor:
    return torch.tensor([x.numel() // x.shape[-1], x.shape[-1]])


@_layer_norm.register_kernel(gpu.DEVICE)
def _(*arguments):  # type: ignore[no-untyped-def]
    from fcmae.kernels.triton.layer_norm import layer_norm

    return layer_norm(*arguments)


@_layer_norm_backward.register_kernel(gpu.DEVICE)
def _(*arguments):  # type: ignore[no-untyped-def]
    from fcmae.kernels.triton.layer_norm import layer_norm_backward

    return layer_norm_backward(*arguments)


@_layer_norm.register_fake
def _(x, *_):  # type: ignore[no-untyped-def]
    mean = x.new_empty(x.shape[:-1], dtype=torch.float32)
    return torch.empty_like(x), mean, torch.empty_like(mean)


@_layer_norm_backward.register_fake
def _(x, *_):  # type: ignore[no-untyped-def]
    return torch.empty_like(x), x.new_empty(2, x.shape[-1], dtype=torch.float32)


def _save(ctx, inputs, output):  # type: ignore[no-untyped-def]
    x, weight, _, _ = inputs
    _, mean, inverse = output
    ctx.save_for_backward(x, weight, mean, inverse)
    ctx.mark_non_differentiable(mean, inverse)


def _backward(ctx, grad, *_):  # type: ignore[no-untyped-def]
    grad_x, both = _layer_norm_backward(*ctx.saved_tensors, grad.contiguous())
    return grad_x, both[0], both[1], None


_layer_norm.register_autograd(_backward, setup_context=_save)
