"""LayerNorm over the last axis on the GPU: a block holds whole rows.

Under autocast PyTorch's own goes through float32 and writes twice what it reads; here the type of
the features stays. Block sizes follow from the number of channels and are not tuned, since the
order of a row's sum depends on them.
"""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from fcmae.kernels.triton.tuning import launch

VALUES = 2048
"""Of a block, unless a row has more."""
PARTS = 512
"""The gradients of weight and bias are summed in this many parts at most, on every GPU."""


def layer_norm(
    x: Tensor, weight: Tensor, bias: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The output, and mean and inverse deviation of each position."""
    y = torch.empty_like(x)
    mean = x.new_empty(x.shape[:-1], dtype=torch.float32)
    inverse = torch.empty_like(mean)
    block = _blocks(x.shape[-1])
    launch(
        _normalise, (triton.cdiv(mean.numel(), block["ROWS"]),),
        x, weight, bias, y, mean, inverse, mean.numel(), eps, CHANNELS=x.shape[-1], **block,
    )  # fmt: skip
    return y, mean, inverse


def layer_norm_backward(
    x: Tensor, weight: Tensor, mean: Tensor, inverse: Tensor, grad: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of the input, and of weight and bias as two rows."""
    grad_x = torch.empty_like(x)
    block = _blocks(x.shape[-1])
    num_blocks = triton.cdiv(mean.numel(), block["ROWS"])
    steps = max(1, triton.cdiv(num_blocks, PARTS))
    parts = x.new_empty(triton.cdiv(num_blocks, steps), 2, x.shape[-1], dtype=torch.float32)
    launch(
        _normalise_backward, (len(parts),),
        x, weight, mean, inverse, grad, grad_x, parts, mean.numel(), steps,
        CHANNELS=x.shape[-1], **block,
    )  # fmt: skip
    return grad_x, parts.sum(0)


def _blocks(channels: int) -> dict[str, int]:
    block = triton.next_power_of_2(channels)
    return {
        "ROWS": max(1, VALUES // block),
        "BLOCK": block,
        "num_warps": 4 if block <= VALUES else 8,
    }


@triton.jit
@no_type_check
def _normalise(
    x, weight, bias, y, mean, inverse, rows, eps,
    CHANNELS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    channel = tl.arange(0, BLOCK)[None, :]
    there = (row < rows)[:, None] & (channel < CHANNELS)
    at = row.to(tl.int64)[:, None] * CHANNELS + channel
    value = tl.load(x + at, mask=there, other=0.0).to(tl.float32)
    centre = tl.sum(value, 1) / CHANNELS
    value = tl.where(there, value - centre[:, None], 0.0)
    factor = 1.0 / tl.sqrt(tl.sum(value * value, 1) / CHANNELS + eps)
    slope = tl.load(weight + channel, mask=channel < CHANNELS, other=0.0)
    shift = tl.load(bias + channel, mask=channel < CHANNELS, other=0.0)
    tl.store(y + at, tl.fma(value * factor[:, None], slope, shift), mask=there)
    tl.store(mean + row, centre, mask=row < rows)
    tl.store(inverse + row, factor, mask=row < rows)


@triton.jit
@no_type_check
def _normalise_backward(
    x, weight, mean, inverse, grad, grad_x, parts, rows, steps,
    CHANNELS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    channel = tl.arange(0, BLOCK)[None, :]
    exists = channel < CHANNELS
    slope = tl.load(weight + channel, mask=exists, other=0.0)
    grad_weight = tl.zeros([ROWS, BLOCK], tl.float32)
    grad_bias = tl.zeros([ROWS, BLOCK], tl.float32)
    for step in range(steps):
        row = (tl.program_id(0) * steps + step) * ROWS + tl.arange(0, ROWS)
        there = (row < rows)[:, None] & exists
        at = row.to(tl.int64)[:, None] * CHANNELS + channel
        centre = tl.load(mean + row, mask=row < rows, other=0.0)[:, None]
        factor = tl.load(inverse + row, mask=row < rows, other=0.0)[:, None]
        value = tl.load(x + at, mask=there, other=0.0).to(tl.float32)
        normal = tl.where(there, (value - centre) * factor, 0.0)
        upstream = tl.load(grad + at, mask=there, other=0.0).to(tl.float32)
        grad_weight = tl.fma(upstream, normal, grad_weight)
        grad_bias += upstream
        upstream *= slope
        along_one = tl.sum(upstream, 1)[:, None] / CHANNELS
        along_normal = tl.sum(upstream * normal, 1)[:, None] / CHANNELS
        through = (upstream - along_one - normal * along_normal) * factor
        tl.store(grad_x + at, through, mask=there)
    own = tl.arange(0, BLOCK)
    out = parts + tl.program_id(0) * (2 * CHANNELS) + own
    tl.store(out, tl.sum(grad_weight, 0), mask=own < CHANNELS)
    tl.store(out + CHANNELS, tl.sum(grad_bias, 0), mask=own < CHANNELS)
