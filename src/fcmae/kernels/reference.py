"""Pure PyTorch: the definition of correct, on every device."""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor

from fcmae.kernels.tiles import MapTiles
from fcmae.types import DepthwiseWeight, Features, Images, Patches, PerChannel, Positions

Rows = Float[Tensor, "rows c"]
RowIndex = Int[Tensor, " places"]


def grn(x: Features, gamma: PerChannel, beta: PerChannel, eps: float) -> Features:
    """Global response normalization (section 3.3): statistics per image, over its positions.

    The paper's ``gamma * (x * n) + beta + x`` with x factored out. The energy is summed in float32
    at least: in float16 it overflows on a 56 x 56 map once its values reach 5.
    """
    wide = torch.promote_types(x.dtype, torch.float32)
    energy = torch.linalg.vector_norm(x, dim=-2, keepdim=True, dtype=wide)
    relative = energy / (energy.mean(dim=-1, keepdim=True) + eps)
    scale = 1 + gamma * relative
    return torch.addcmul(beta.to(x.dtype), x, scale.to(x.dtype))


def depthwise(x: Features, weight: DepthwiseWeight, bias: PerChannel, tiles: MapTiles) -> Features:
    """Depthwise convolution that keeps the size; what is not a position of ``tiles`` is zero."""
    n, _, c = x.shape
    padding = (weight.shape[-2] // 2, weight.shape[-1] // 2)
    dense = x
    if tiles.index is not None:
        background = x.new_zeros(1).expand(n * tiles.height * tiles.width, c)
        dense = put_rows(background, tiles.index, x.flatten(0, 1))
    maps = dense.view(n, tiles.height, tiles.width, c).permute(0, 3, 1, 2)
    y = F.conv2d(maps, weight, bias, padding=padding, groups=c).permute(0, 2, 3, 1)
    if tiles.index is None:
        return y.reshape(n, tiles.height * tiles.width, c)
    return take_rows(y.reshape(-1, c), tiles.index).view(x.shape)


def take_patches(images: Images, side: int, positions: Positions) -> Patches:
    """Some squares of each image, by raster index, each flattened as (row, column, channel)."""
    split = rearrange(images, "n c (h r) (w s) -> n h w r s c", r=side, s=side)
    image = torch.arange(len(images), device=images.device)[:, None]
    columns = split.shape[2]
    return split[image, positions // columns, positions % columns].flatten(2)


class _TakeRows(torch.autograd.Function):
    """Rows by distinct indices: the gradient is a copy, where ``index_select`` would add."""

    @staticmethod
    def forward(ctx, rows, index):  # type: ignore[no-untyped-def]
        ctx.save_for_backward(index)
        ctx.length = len(rows)
        return rows.index_select(0, index)

    @staticmethod
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        (index,) = ctx.saved_tensors
        rows = grad.new_zeros(ctx.length, grad.shape[1])
        return rows.index_copy_(0, index, grad), None


def take_rows(rows: Rows, index: RowIndex) -> Float[Tensor, "places c"]:
    """The rows at ``index``, which must be distinct."""
    taken: Tensor = _TakeRows.apply(rows, index)
    return taken


def put_rows(background: Rows, index: RowIndex, x: Float[Tensor, "places c"]) -> Rows:
    """A copy of ``background`` with the rows at ``index``, which must be distinct, replaced."""
    return background.index_copy(0, index, x)
