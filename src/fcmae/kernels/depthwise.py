"""The depthwise convolution, on a whole map or on the positions of visible patches only."""

import torch
from torch import Tensor

from fcmae.kernels import gpu, native, reference
from fcmae.kernels.choice import directly, implementation
from fcmae.kernels.tiles import MapTiles
from fcmae.types import DepthwiseWeight, Features, PerChannel

SIDE = 7
PARTS = 16
"""The weight gradient is summed in this many parts at most, whatever the number of threads, so that
the sum does not depend on it."""


def depthwise(x: Features, weight: DepthwiseWeight, bias: PerChannel, tiles: MapTiles) -> Features:
    """Depthwise convolution that keeps the size; what is not a position of ``tiles`` is zero."""
    if torch.is_autocast_enabled(x.device.type):
        x = x.to(torch.get_autocast_dtype(x.device.type))
    if weight.shape[-2:] != (SIDE, SIDE) or implementation(x) == "reference":
        return reference.depthwise(x, weight, bias, tiles)
    # Taps first, in float32: channels lie side by side, as in the features.
    taps = weight.flatten(1).t().float().contiguous()
    sides = [tiles.height, tiles.width, tiles.tile_height, tiles.tile_width]
    where = (tiles.patches, tiles.order, tiles.rows, sides)
    convolve = _convolve if directly(x) else _depthwise
    y: Tensor = convolve(x.contiguous(), taps, bias.float(), *where)
    return y


def _convolve(  # noqa: PLR0917 - operators take their arguments by place
    x: Tensor,
    taps: Tensor,
    bias: Tensor | None,
    patches: Tensor | None,
    order: Tensor | None,
    rows: Tensor | None,
    sides: list[int],
) -> Tensor:
    y = torch.empty_like(x)
    numbers = _numbers(x, patches, sides)
    native.call("fcmae_depthwise", numbers, patches, order, native.TYPES[x.dtype], x, taps, bias, y)
    return y


_depthwise = torch.library.custom_op(
    "fcmae::depthwise", _convolve, mutates_args=(), device_types="cpu"
)


@torch.library.custom_op("fcmae::depthwise_weight", mutates_args=(), device_types="cpu")
def _depthwise_weight(  # noqa: PLR0917
    x: Tensor,
    grad: Tensor,
    patches: Tensor | None,
    order: Tensor | None,
    rows: Tensor | None,
    sides: list[int],
) -> Tensor:
    """Gradients of the taps, and of the bias in the last row."""
    images_per_part = max(1, -(-len(x) // PARTS))
    parts = x.new_empty(
        -(-len(x) // images_per_part), SIDE * SIDE + 1, x.shape[2], dtype=torch.float32
    )
    numbers = _numbers(x, patches, sides)
    native.call(
        "fcmae_depthwise_weight",
        numbers, patches, order, native.TYPES[x.dtype], x, grad, images_per_part, parts,
    )  # fmt: skip
    return parts.sum(0)


def _numbers(x: Tensor, patches: Tensor | None, sides: list[int]) -> Tensor:
    num_tiles = 1 if patches is None else patches.shape[1]
    height, width, tile_height, tile_width = sides
    return torch.tensor([len(x), x.shape[2], height, width, num_tiles, tile_height, tile_width])


@_depthwise.register_kernel(gpu.DEVICE)
def _(x, taps, bias, patches, order, *where):  # type: ignore[no-untyped-def]
    from fcmae.kernels.triton.depthwise import convolve

    return convolve(x, taps, bias, patches, *where)


@_depthwise_weight.register_kernel(gpu.DEVICE)
def _(x, grad, patches, order, *where):  # type: ignore[no-untyped-def]
    from fcmae.kernels.triton.depthwise import correlate

    return correlate(x, grad, patches, *where)


@_depthwise.register_fake
def _(x, *_):  # type: ignore[no-untyped-def]
    return torch.empty_like(x)


@_depthwise_weight.register_fake
def _(x, grad, *_):  # type: ignore[no-untyped-def]
    return x.new_empty(SIDE * SIDE + 1, x.shape[2], dtype=torch.float32)


def _save(ctx, inputs, output):  # type: ignore[no-untyped-def]
    x, taps, _, patches, order, rows, ctx.sides = inputs
    ctx.save_for_backward(x, taps, patches, order, rows)


def _backward(ctx, grad):  # type: ignore[no-untyped-def]
    x, taps, *where = ctx.saved_tensors
    grad = grad.contiguous()
    grad_x = grad_taps = grad_bias = None
    if ctx.needs_input_grad[0]:
        grad_x = _depthwise(grad, taps.flip(0), None, *where, ctx.sides)
    if ctx.needs_input_grad[1] or ctx.needs_input_grad[2]:
        both = _depthwise_weight(x, grad, *where, ctx.sides)
        grad_taps, grad_bias = both[:-1], both[-1]
    return grad_x, grad_taps, grad_bias, None, None, None, None


_depthwise.register_autograd(_backward, setup_context=_save)
