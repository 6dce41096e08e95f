"""The transformer decoder (table 1 of the paper), as MAE has it (He 2022)."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.model.encoder import Encoded
from fcmae.model.layers import LayerNorm, Linear, initialise
from fcmae.model.options import DECODER_MULTIPLES, DecoderOptions
from fcmae.types import AllFeatures, Patches, Positions

HEAD = DECODER_MULTIPLES["transformer"]
"""Channels of a head: 16 heads for a width of 512, as in MAE."""
SLOWEST = 10_000
"""Wavelength of the slowest of the sines and cosines that tell positions apart, over 2 pi."""


class TransformerDecoder(nn.Module):
    """Visible features and mask tokens with their places, transformer blocks, values of pixels.

    Args:
        channels: Width of the encoder's last stage.
        values: Values to predict per position.
        options: Depth and width.
    """

    def __init__(self, channels: int, values: int, options: DecoderOptions) -> None:
        super().__init__()
        self.options = options
        self.projection = Linear(channels, options.width)
        self.mask_token = nn.Parameter(torch.empty(options.width))
        self.blocks = nn.ModuleList(TransformerBlock(options.width) for _ in range(options.depth))
        self.norm = LayerNorm(options.width)
        self.prediction = Linear(options.width, values)
        self.apply(initialise)
        nn.init.normal_(self.mask_token, std=0.02)

    def forward(self, stages: Sequence[Encoded], positions: Positions) -> Patches:
        """Values for some positions of each image, by raster index of the last stage."""
        last = stages[-1]
        x = last.layout.fill(self.projection(last.features), self.mask_token)
        x = x + places(last.layout.height, last.layout.width, like=x)
        for block in self.blocks:
            x = block(x)
        image = torch.arange(len(x), device=x.device)[:, None]
        y: Patches = self.prediction(self.norm(x[image, positions]))
        return y


class TransformerBlock(nn.Module):
    """Attention and a hidden layer of four times the width, each after a LayerNorm.

    Args:
        channels: Width, a multiple of 32.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention_norm = LayerNorm(channels)
        self.queries_keys_values = Linear(channels, 3 * channels)
        self.join = Linear(channels, channels)
        self.norm = LayerNorm(channels)
        self.expand = Linear(channels, 4 * channels)
        self.contract = Linear(4 * channels, channels)

    def forward(self, x: AllFeatures) -> AllFeatures:
        """The same shape."""
        q, k, v = rearrange(
            self.queries_keys_values(self.attention_norm(x)),
            "n p (three heads c) -> three n heads p c",
            three=3,
            c=HEAD,
        )
        attended = F.scaled_dot_product_attention(q, k, v)
        x = x + self.join(rearrange(attended, "n heads p c -> n p (heads c)"))
        y: AllFeatures = x + self.contract(F.gelu(self.expand(self.norm(x))))
        return y


def places(height: int, width: int, *, like: AllFeatures) -> Float[Tensor, "hw c"]:
    """Sines and cosines of each position's row (first half of the channels) and column."""
    of_each = like.shape[-1] // 4
    steps = torch.arange(of_each, device=like.device, dtype=torch.float64) / of_each
    frequencies = SLOWEST**-steps
    halves = []
    for places_along in (
        torch.arange(height, device=like.device).repeat_interleave(width),
        torch.arange(width, device=like.device).repeat(height),
    ):
        angles = places_along[:, None] * frequencies
        halves += [angles.sin(), angles.cos()]
    return torch.cat(halves, dim=1).to(like.dtype)
