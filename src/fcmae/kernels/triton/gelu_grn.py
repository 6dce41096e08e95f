"""GELU followed by GRN on the GPU: two looks at the activation forward, two backward.

The first look sums over the positions of an image, in chunks that many programs share; a small
kernel turns the sums of an image into factors of its channels; the second look applies them. GELU
is computed at each look, which is cheaper than storing it. A sum goes through the positions of a
chunk one by one, and through chunks one by one, whatever the block sizes are.
"""

from typing import no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from fcmae.kernels.triton.tuning import launch, tuned

CHUNK = 32
"""Positions of an image that one program sums over."""

SUMS = [(256, 1), (64, 1), (128, 1), (256, 2), (512, 2)]
SCALES = [(16, 64, 4), (8, 128, 4), (16, 128, 4), (8, 256, 4), (8, 512, 8)]
KEY = ["positions", "CHANNELS"]


def gelu_grn(x: Tensor, gamma: Tensor, beta: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """The output, and the energy of each channel of each image."""
    n, positions, channels = x.shape
    chunks = triton.cdiv(positions, CHUNK)
    squares = x.new_empty(n, chunks, channels, dtype=torch.float32)
    energy, scale = squares.new_empty(2, n, channels)
    y = torch.empty_like(x)
    launch(
        _sum_squares, _sums(n, chunks, channels),
        x, squares, positions, chunks, CHUNK=CHUNK, CHANNELS=channels,
    )  # fmt: skip
    launch(
        _factors, (n,),
        squares, gamma, energy, scale, chunks, eps, CHANNELS=channels, **_whole(channels),
    )  # fmt: skip
    launch(_apply, _scales(n, positions, channels), x, scale, beta, y, positions, CHANNELS=channels)
    return y, energy


def gelu_grn_backward(
    x: Tensor, gamma: Tensor, energy: Tensor, grad: Tensor, eps: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the input, and of gamma and beta by image."""
    n, positions, channels = x.shape
    chunks = triton.cdiv(positions, CHUNK)
    products, upstream = energy.new_empty(2, n, chunks, channels)
    # An operator must not return parts of one tensor.
    grad_gamma, grad_beta, scale, pull = (torch.empty_like(energy) for _ in range(4))
    grad_x = torch.empty_like(x)
    launch(
        _sum_products, _sums(n, chunks, channels),
        x, grad, products, upstream, positions, chunks, CHUNK=CHUNK, CHANNELS=channels,
    )  # fmt: skip
    launch(
        _factors_backward, (n,),
        products, upstream, gamma, energy, grad_gamma, grad_beta, scale, pull, chunks, eps,
        CHANNELS=channels, **_whole(channels),
    )  # fmt: skip
    launch(
        _apply_backward, _scales(n, positions, channels),
        x, grad, scale, pull, grad_x, positions, CHANNELS=channels,
    )  # fmt: skip
    return grad_x, grad_gamma, grad_beta


def _sums(n: int, chunks: int, channels: int):  # type: ignore[no-untyped-def]
    return lambda block: (n * chunks, triton.cdiv(channels, block["BLOCK"]))


def _scales(n: int, positions: int, channels: int):  # type: ignore[no-untyped-def]
    return lambda block: (
        n * triton.cdiv(positions, block["ROWS"]),
        triton.cdiv(channels, block["BLOCK"]),
    )


def _whole(channels: int) -> dict[str, int]:
    """One block for all channels."""
    block = triton.next_power_of_2(channels)
    return {"BLOCK": block, "num_warps": min(16, max(1, block // 256))}


@triton.jit
@no_type_check
def _gelu(x):
    """``x`` times the normal cdf, and the derivative, as ``cpp/gelu_grn.cpp`` has them."""
    z = tl.abs(x) * 0.70710678
    e = tl.exp(-z * z)
    t = 1.0 / (z * 0.3275911 + 1.0)
    tail = t * -0.141661679 + 0.498874955
    tail = tail * t - 0.409594097
    tail = tail * t + 0.456556454
    tail = tail * t + 0.0237193445
    tail = tail * t + 0.206396888
    tail = tail * t + 0.180650173
    tail = tail * t + 0.185058071
    tail = tail * t * e * 0.5
    cdf = tl.where(x < 0, tail, 1.0 - tail)
    return x * cdf, cdf + x * e * 0.39894228


@tuned(["BLOCK"], SUMS, key=KEY)
@triton.jit
@no_type_check
def _sum_squares(
    x, squares, positions, chunks,
    CHUNK: tl.constexpr, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    image, chunk = tl.program_id(0) // chunks, tl.program_id(0) % chunks
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    exists = channel < CHANNELS
    first = (image.to(tl.int64) * positions + chunk * CHUNK) * CHANNELS
    total = tl.zeros([BLOCK], tl.float32)
    for i in tl.range(tl.minimum(CHUNK, positions - chunk * CHUNK), loop_unroll_factor=4):
        value = tl.load(x + first + i * CHANNELS + channel, mask=exists, other=0.0)
        a, _ = _gelu(value.to(tl.float32))
        total = tl.fma(a, a, total)
    out = squares + tl.program_id(0).to(tl.int64) * CHANNELS + channel
    tl.store(out, total, mask=exists)


@triton.jit
@no_type_check
def _factors(
    squares, gamma, energy, scale, chunks, eps, CHANNELS: tl.constexpr, BLOCK: tl.constexpr
):
    image = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, BLOCK)
    exists = channel < CHANNELS
    total = tl.zeros([BLOCK], tl.float32)
    for chunk in range(chunks):
        at = squares + (image * chunks + chunk) * CHANNELS + channel
        total += tl.load(at, mask=exists, other=0.0)
    strength = tl.sqrt(total)
    relative = strength / (tl.sum(strength, 0) / CHANNELS + eps)
    factor = 1.0 + tl.load(gamma + channel, mask=exists, other=0.0) * relative
    tl.store(energy + image * CHANNELS + channel, strength, mask=exists)
    tl.store(scale + image * CHANNELS + channel, factor, mask=exists)


@tuned(["ROWS", "BLOCK"], SCALES, key=KEY)
@triton.jit
@no_type_check
def _apply(
    x, scale, beta, y, positions,
    CHANNELS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    image, at, own, there = _block(positions, CHANNELS, ROWS, BLOCK)
    a, _ = _gelu(tl.load(x + at, mask=there, other=0.0).to(tl.float32))
    factor = tl.load(scale + image * CHANNELS + own, mask=there, other=0.0)
    shift = tl.load(beta + own, mask=there, other=0.0)
    tl.store(y + at, tl.fma(a, factor, shift), mask=there)


@triton.jit
@no_type_check
def _block(positions, CHANNELS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr):
    """The program's image; where its values lie, their channels, and which of them exist."""
    blocks = tl.cdiv(positions, ROWS)
    image = (tl.program_id(0) // blocks).to(tl.int64)
    position = tl.program_id(0) % blocks * ROWS + tl.arange(0, ROWS)[:, None]
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)[None, :]
    there = (position < positions) & (channel < CHANNELS)
    at = (image * positions + position) * CHANNELS + channel
    return image, at, tl.broadcast_to(channel, [ROWS, BLOCK]), there


@tuned(["BLOCK"], SUMS, key=KEY)
@triton.jit
@no_type_check
def _sum_products(
    x, grad, products, upstream, positions, chunks,
    CHUNK: tl.constexpr, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    image, chunk = tl.program_id(0) // chunks, tl.program_id(0) % chunks
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    exists = channel < CHANNELS
    first = (image.to(tl.int64) * positions + chunk * CHUNK) * CHANNELS
    product = tl.zeros([BLOCK], tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    for i in tl.range(tl.minimum(CHUNK, positions - chunk * CHUNK), loop_unroll_factor=4):
        at = first + i * CHANNELS + channel
        a, _ = _gelu(tl.load(x + at, mask=exists, other=0.0).to(tl.float32))
        g = tl.load(grad + at, mask=exists, other=0.0).to(tl.float32)
        product = tl.fma(a, g, product)
        total += g
    out = tl.program_id(0).to(tl.int64) * CHANNELS + channel
    tl.store(products + out, product, mask=exists)
    tl.store(upstream + out, total, mask=exists)


@triton.jit
@no_type_check
def _factors_backward(
    products, upstream, gamma, energy, grad_gamma, grad_beta, scale, pull, chunks, eps,
    CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    image = tl.program_id(0).to(tl.int64)
    channel = tl.arange(0, BLOCK)
    exists = channel < CHANNELS
    grad_scale = tl.zeros([BLOCK], tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    for chunk in range(chunks):
        at = (image * chunks + chunk) * CHANNELS + channel
        grad_scale += tl.load(products + at, mask=exists, other=0.0)
        total += tl.load(upstream + at, mask=exists, other=0.0)
    own = image * CHANNELS + channel
    strength = tl.load(energy + own, mask=exists, other=0.0)
    weight = tl.load(gamma + channel, mask=exists, other=0.0)
    mean = tl.sum(strength, 0) / CHANNELS + eps
    relative = strength / mean
    grad_relative = grad_scale * weight
    grad_energy = (grad_relative - tl.sum(grad_relative * relative, 0) / CHANNELS) / mean
    # The norm of an all-zero channel has no direction: like PyTorch, take 0.
    nonzero = tl.where(strength > 0, strength, 1.0)
    tl.store(grad_gamma + own, grad_scale * relative, mask=exists)
    tl.store(grad_beta + own, total, mask=exists)
    tl.store(scale + own, 1.0 + weight * relative, mask=exists)
    tl.store(pull + own, tl.where(strength > 0, grad_energy / nonzero, 0.0), mask=exists)


@tuned(["ROWS", "BLOCK"], SCALES, key=KEY)
@triton.jit
@no_type_check
def _apply_backward(
    x, grad, scale, pull, grad_x, positions,
    CHANNELS: tl.constexpr, ROWS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    image, at, own, there = _block(positions, CHANNELS, ROWS, BLOCK)
    a, slope = _gelu(tl.load(x + at, mask=there, other=0.0).to(tl.float32))
    g = tl.load(grad + at, mask=there, other=0.0).to(tl.float32)
    factor = tl.load(scale + image * CHANNELS + own, mask=there, other=0.0)
    toward = tl.load(pull + image * CHANNELS + own, mask=there, other=0.0)
    tl.store(grad_x + at, tl.fma(a, toward, g * factor) * slope, mask=there)


TUNED = (_sum_squares, _sum_products, _apply, _apply_backward)
