"""Linear layers over the last axis."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from fcmae.kernels import native
from fcmae.kernels.choice import implementation, is_followed
from fcmae.types import Features

SMALL = 20480
"""PyTorch gives no convolution of one image to oneDNN that has fewer values than this."""

SMALL_ON_INTEL = 2**20
"""Up to this many values MKL is faster than oneDNN on Intel's processors, bias included."""

NARROW = 256
"""Up to this width oneDNN multiplies faster for the weight's gradient with the shorter side first.
Beyond it the other order is faster, and the gradient lies in memory as the weight does."""

PARTS = 32
"""The gradient of the bias is summed in this many parts at most, whatever the number of threads, so
that the sum does not depend on it."""

Matrix = Float[Tensor, "rows c"]


def linear(x: Features, weight: Tensor, bias: Tensor) -> Float[Tensor, "n p d"]:
    """``x @ weight.T + bias``.

    On the CPU it is asked for as a 1 x 1 convolution. That is the same product, but PyTorch gives
    it to oneDNN with its bias. In float32 it would take MKL, which on AMD processors takes 1.3x as
    long and on Intel's is faster for few values only; in both types it would write the bias to
    every row first.
    """
    if implementation(x) != "native":
        return F.linear(x, weight, bias)
    autocast = torch.is_autocast_enabled(x.device.type)
    dtype = torch.get_autocast_dtype(x.device.type) if autocast else x.dtype
    if dtype == torch.bfloat16 and not is_followed(x):
        y: Tensor = _Linear.apply(x.to(dtype), weight, bias)
        return y
    small = SMALL_ON_INTEL if native.on_intel() else SMALL
    # Only now: a question about sizes would bind what is exported to them.
    if autocast or x.numel() <= small or x.dtype != torch.float32:
        return F.linear(x, weight, bias)
    return _product(x.reshape(-1, x.shape[-1]), weight, bias).view(*x.shape[:-1], -1)


def _product(x: Matrix, weight: Tensor, bias: Tensor) -> Float[Tensor, "rows d"]:
    rows, c = x.shape
    column = x.reshape(1, rows, 1, c).permute(0, 3, 1, 2)
    y = F.conv2d(column, weight[:, :, None, None], bias)
    return y.permute(0, 2, 3, 1).reshape(rows, -1)


class _Linear(torch.autograd.Function):
    """In bfloat16: the weight is cast once, and the bias costs no pass of its own."""

    @staticmethod
    def forward(ctx, x, weight, bias):  # type: ignore[no-untyped-def]
        rows, narrow = x.flatten(0, -2), weight.to(x.dtype)
        ctx.save_for_backward(rows, narrow)
        ctx.types = weight.dtype, bias.dtype
        wide = len(weight) >= x.shape[-1] and x.numel() > SMALL
        y = (_product if wide else F.linear)(rows, narrow, bias.to(x.dtype))
        return y.view(*x.shape[:-1], len(weight))

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        x, weight = ctx.saved_tensors
        upstream = grad.flatten(0, -2).contiguous()
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = (upstream @ weight).view(*grad.shape[:-1], x.shape[1])
        if ctx.needs_input_grad[1]:
            turned = x.shape[1] <= NARROW and x.shape[1] < len(weight)
            grad_weight = (x.t() @ upstream).t() if turned else upstream.t() @ x
            grad_weight = grad_weight.to(ctx.types[0])
        if ctx.needs_input_grad[2]:
            grad_bias = _sum_rows(upstream).to(ctx.types[1])
        return grad_x, grad_weight, grad_bias


def _sum_rows(x: Matrix) -> Float[Tensor, " c"]:
    rows_per_part = max(1, -(-len(x) // PARTS))
    sums = x.new_empty(-(-len(x) // rows_per_part), x.shape[1], dtype=torch.float32)
    shape = torch.tensor(x.shape)
    native.call("fcmae_sum_rows", shape, native.TYPES[x.dtype], x, rows_per_part, sums)
    return sums.sum(0)
