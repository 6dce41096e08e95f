"""Maps positions of a feature tensor to places on the image; no other part needs to know.

Features are ``n p c``: images, positions, channels. Per-position layers (LayerNorm, linear layers,
GELU) and GRN work on that shape as it is. What depends on where positions lie, the layout does:
cutting an image into positions, the depthwise convolution, and joining 2 x 2 neighbours.
"""

from abc import ABC, abstractmethod

import torch
from einops import rearrange
from jaxtyping import Bool, Float, Int
from torch import Tensor

from fcmae.kernels import reference
from fcmae.kernels.depthwise import depthwise
from fcmae.kernels.patches import take_patches
from fcmae.kernels.tiles import MapTiles
from fcmae.types import (
    AllFeatures,
    DepthwiseWeight,
    FeatureMap,
    Features,
    HiddenPositions,
    Images,
    MergedFeatures,
    Patches,
    PerChannel,
    Positions,
    VisiblePatches,
)


class Layout(ABC):
    """The places of the positions on a map of ``height`` x ``width``."""

    height: int
    width: int
    hidden: HiddenPositions | None = None
    """Which positions of a feature tensor do not count; None where all do."""

    @abstractmethod
    def cut(self, images: Images) -> Patches:
        """The pixels below each position, ordered (row, column, channel)."""

    @abstractmethod
    def depthwise(self, x: Features, weight: DepthwiseWeight, bias: PerChannel) -> Features:
        """Depthwise convolution; hidden positions count as zero and produce nothing."""

    @abstractmethod
    def merge(self, x: Features) -> tuple[MergedFeatures, "Layout"]:
        """Lay each 2 x 2 neighbourhood side by side, ordered (row, column, channel).

        Returns:
            Features with a quarter of the positions and four times the channels, and their layout.
        """

    @abstractmethod
    def hide(self, x: Features) -> Features:
        """Zero at the hidden positions that ``x`` has, so that sums over positions skip them."""

    @abstractmethod
    def fill(self, x: Features, value: PerChannel) -> AllFeatures:
        """All positions of the map in raster order, with ``value`` at hidden ones."""

    def mean(self, x: Features) -> Float[Tensor, "n 1 c"]:
        """The mean of each channel over the positions that are not hidden."""
        total = self.hide(x).sum(dim=1, keepdim=True)
        if self.hidden is None:
            return total / x.shape[1]
        return total / (~self.hidden).sum(dim=1)[:, None, None]

    def largest(self, x: Features) -> Float[Tensor, "n 1 c"]:
        """The largest value of each channel over the positions that are not hidden."""
        if self.hidden is not None:
            x = x.masked_fill(self.hidden[..., None], -torch.inf)
        return x.amax(dim=1, keepdim=True)

    def to_map(self, x: Features) -> FeatureMap:
        """The features as a map of channels, with zero at hidden positions."""
        dense = self.fill(x, x.new_zeros(x.shape[-1]))
        return rearrange(dense, "n (h w) c -> n c h w", h=self.height)


class Dense(Layout):
    """All positions, in raster order."""

    def __init__(self, height: int, width: int) -> None:
        self.height, self.width = height, width
        self.tiles = MapTiles.whole(height, width)

    def cut(self, images: Images) -> Patches:
        return rearrange(images, "n c (h r) (w s) -> n (h w) (r s c)", h=self.height, w=self.width)

    def depthwise(self, x: Features, weight: DepthwiseWeight, bias: PerChannel) -> Features:
        return depthwise(x, weight, bias, self.tiles)

    def merge(self, x: Features) -> tuple[MergedFeatures, Layout]:
        y = rearrange(x, "n (h r w s) c -> n (h w) (r s c)", w=self.width // 2, r=2, s=2)
        return y, Dense(self.height // 2, self.width // 2)

    def hide(self, x: Features) -> Features:
        return x

    def fill(self, x: Features, value: PerChannel) -> AllFeatures:
        return x


class Visible(Layout):
    """The positions of the visible patches only, patch by patch, in Z-order within a patch.

    In Z-order (Morton order) every four consecutive positions are a 2 x 2 neighbourhood at every
    stage, so merging them moves nothing.

    Args:
        patches: Raster indices of each image's visible patches.
        grid: Rows and columns of patches in an image.
        side: Positions along the side of a patch, a power of two.
    """

    def __init__(self, patches: VisiblePatches, grid: tuple[int, int], side: int) -> None:
        self.patches, self.grid, self.side = patches, grid, side
        self.height, self.width = grid[0] * side, grid[1] * side
        self.y, self.x = z_order(side, patches.device)
        rows = (patches // grid[1])[..., None] * side + self.y
        columns = (patches % grid[1])[..., None] * side + self.x
        self.places = (rows * self.width + columns).flatten(1)
        first = torch.arange(len(patches), device=patches.device) * (self.height * self.width)
        self.index = (self.places + first[:, None]).flatten()
        numbers = torch.arange(self.places.shape[1], device=patches.device, dtype=torch.int32)
        no_rows = numbers.new_full((len(patches), self.height * self.width), -1)
        self.tiles = MapTiles(
            height=self.height,
            width=self.width,
            tile_height=side,
            tile_width=side,
            patches=patches.contiguous(),
            order=(self.y * side + self.x).argsort().to(torch.int32),
            places=self.places,
            index=self.index,
            rows=no_rows.scatter(1, self.places, numbers.expand_as(self.places)),
        )

    def cut(self, images: Images) -> Patches:
        return take_patches(images, images.shape[-2] // self.height, self.places)

    def depthwise(self, x: Features, weight: DepthwiseWeight, bias: PerChannel) -> Features:
        return depthwise(x, weight, bias, self.tiles)

    def merge(self, x: Features) -> tuple[MergedFeatures, Layout]:
        y = rearrange(x, "n (p z) c -> n p (z c)", z=4)
        return y, Visible(self.patches, self.grid, self.side // 2)

    def hide(self, x: Features) -> Features:
        return x

    def fill(self, x: Features, value: PerChannel) -> AllFeatures:
        n, _, c = x.shape
        background = value.to(x.dtype).expand(n * self.height * self.width, c)
        dense = reference.put_rows(background, self.index, x.flatten(0, 1))
        return dense.view(n, self.height * self.width, c)

    def hidden_places(self) -> Positions:
        """Raster indices of the positions that are not visible, ascending."""
        count = self.height * self.width
        # Visible ones behind all others. No two are the same: ONNX knows no stable order.
        numbers = torch.arange(count, device=self.places.device).expand(len(self.places), count)
        ordered = numbers.scatter(1, self.places, self.places + count).sort(dim=1).values
        return ordered[:, : count - self.places.shape[1]]

    def hidden_ones(self) -> HiddenPositions:
        """True if each position of the map, in raster order, is hidden."""
        everywhere = self.places.new_ones(
            (len(self.places), self.height * self.width), dtype=torch.bool
        )
        return everywhere.scatter(1, self.places, False)


class MaskedDense(Dense):
    """All positions, with a mask over the hidden ones: the definition of the visible layout.

    Args:
        hidden: Whether each position, in raster order, is hidden.
        height: Rows of the map.
        width: Columns of the map.
    """

    hidden: HiddenPositions

    def __init__(self, hidden: HiddenPositions, height: int, width: int) -> None:
        super().__init__(height, width)
        self.hidden = hidden

    @staticmethod
    def like(visible: Visible) -> "MaskedDense":
        """The masked dense layout of the same patches."""
        return MaskedDense(visible.hidden_ones(), visible.height, visible.width)

    def depthwise(self, x: Features, weight: DepthwiseWeight, bias: PerChannel) -> Features:
        return self.hide(reference.depthwise(self.hide(x), weight, bias, self.tiles))

    def merge(self, x: Features) -> tuple[MergedFeatures, Layout]:
        y, half = super().merge(x)
        return y, MaskedDense(merged(self.hidden, self.width), half.height, half.width)

    def hide(self, x: Features) -> Features:
        return x.masked_fill(self.hidden[..., None], 0)

    def fill(self, x: Features, value: PerChannel) -> AllFeatures:
        return torch.where(self.hidden[..., None], value.to(x.dtype), x)


class Leaking(Dense):
    """All positions of an image whose hidden patches are blank: an encoder without sparsity.

    Blank positions take part in convolutions and statistics like all others, so features flow into
    them and back: what the paper compares its sparse convolutions with.

    Args:
        blank: Whether each position, in raster order, is blank.
        height: Rows of the map.
        width: Columns of the map.
    """

    def __init__(self, blank: HiddenPositions, height: int, width: int) -> None:
        super().__init__(height, width)
        self.blank = blank

    @staticmethod
    def like(visible: Visible) -> "Leaking":
        """The leaking layout of the same patches."""
        return Leaking(visible.hidden_ones(), visible.height, visible.width)

    def cut(self, images: Images) -> Patches:
        return super().cut(images).masked_fill(self.blank[..., None], 0)

    def merge(self, x: Features) -> tuple[MergedFeatures, Layout]:
        y, half = super().merge(x)
        return y, Leaking(merged(self.blank, self.width), half.height, half.width)

    def fill(self, x: Features, value: PerChannel) -> AllFeatures:
        return torch.where(self.blank[..., None], value.to(x.dtype), x)


def merged(hidden: HiddenPositions, width: int) -> Bool[Tensor, "n q"]:
    """True if each 2 x 2 neighbourhood of a map of this width is hidden."""
    cells = rearrange(hidden, "n (h r w s) -> n (h w) (r s)", w=width // 2, r=2, s=2)
    return cells.all(-1)


def z_order(
    side: int, device: torch.device
) -> tuple[Int[Tensor, " side_side"], Int[Tensor, " side_side"]]:
    """Row and column of each position of a ``side`` x ``side`` square in Z-order."""
    z = torch.arange(side * side, device=device)
    y, x = torch.zeros_like(z), torch.zeros_like(z)
    for bit in range(side.bit_length() - 1):
        x |= ((z >> (2 * bit)) & 1) << bit
        y |= ((z >> (2 * bit + 1)) & 1) << bit
    return y, x
