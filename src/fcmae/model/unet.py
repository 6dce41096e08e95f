"""U-Net decoders, with and without skips (table 1 of the paper; Ronneberger 2015)."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.model.block import Block
from fcmae.model.encoder import Encoded
from fcmae.model.layers import LayerNorm, Linear, initialise
from fcmae.model.layout import Dense
from fcmae.model.options import Architecture, DecoderOptions
from fcmae.types import AllFeatures, Patches, Positions

SIDE = 8
"""Positions of the stem's map along the side of one of the last stage's."""


class UNetDecoder(nn.Module):
    """From the last stage's map back to the stem's, twice the side and half the width each time.

    A level projects the visible features of its stage, puts a mask token of its own at the hidden
    positions, adds what comes from the level below, and runs blocks on the dense map. Without skips
    only the last stage's features enter.

    Args:
        architecture: The encoder's.
        options: Kind, blocks per level, width of the lowest level. The blocks are V2.
    """

    def __init__(self, architecture: Architecture, options: DecoderOptions) -> None:
        super().__init__()
        self.options, self.stem = options, architecture.stem
        widths = [options.width >> i for i in range(len(architecture.dims))]
        num_entering = len(widths) if options.kind == "unet-skip" else 1
        entering = list(zip(architecture.dims[::-1], widths, strict=True))[:num_entering]
        self.projections = nn.ModuleList(Linear(c, width) for c, width in entering)
        self.mask_tokens = nn.ParameterList(torch.empty(width) for _, width in entering)
        self.levels = nn.ModuleList(
            nn.ModuleList(Block(width) for _ in range(options.depth)) for width in widths
        )
        self.ups = nn.ModuleList(Upsample(c, out) for c, out in pairwise(widths))
        self.prediction = Linear(widths[-1], architecture.stem**2 * architecture.channels)
        self.apply(initialise)
        for token in self.mask_tokens:
            nn.init.normal_(token, std=0.02)

    def forward(self, stages: Sequence[Encoded], positions: Positions) -> Patches:
        """Values for some positions of each image, by raster index of the last stage."""
        lowest = stages[-1].layout
        dense = Dense(lowest.height, lowest.width)
        x = self._entering(stages, 0)
        for i, level in enumerate(self.levels):
            if i:
                x, dense = self.ups[i - 1](x, dense)
            if 0 < i < len(self.projections):
                x = x + self._entering(stages, i)
            assert isinstance(level, nn.ModuleList)
            for block in level:
                x = block(x, dense)
        cells = rearrange(x, "n (h r w s) c -> n (h w) r s c", w=lowest.width, r=SIDE, s=SIDE)
        image = torch.arange(len(x), device=x.device)[:, None]
        chosen = rearrange(cells[image, positions], "n p r s c -> n (p r s) c")
        values: Patches = self.prediction(chosen)
        return rearrange(
            values,
            "n (p h w) (r s c) -> n p (h r w s c)",
            h=SIDE,
            w=SIDE,
            r=self.stem,
            s=self.stem,
        )

    def _entering(self, stages: Sequence[Encoded], level: int) -> AllFeatures:
        """The features of a level's stage at all positions, the level's token at hidden ones."""
        stage = stages[-1 - level]
        projected = self.projections[level](stage.features)
        return stage.layout.fill(projected, self.mask_tokens[level])


class Upsample(nn.Module):
    """LayerNorm, then a 2 x 2 transposed convolution of stride 2, on a dense map."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.norm = LayerNorm(channels)
        self.spread = Linear(channels, 4 * out)

    def forward(
        self, x: Float[Tensor, "n p c"], dense: Dense
    ) -> tuple[Float[Tensor, "n q d"], Dense]:
        """Twice the height and width."""
        y = rearrange(
            self.spread(self.norm(x)), "n (h w) (r s c) -> n (h r w s) c", w=dense.width, r=2, s=2
        )
        return y, Dense(2 * dense.height, 2 * dense.width)
