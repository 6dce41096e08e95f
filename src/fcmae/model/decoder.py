"""The decoder: from visible features to the pixels of every patch (section 3.1, table 1)."""

from collections.abc import Sequence

import torch
from torch import nn

from fcmae.model.block import Block
from fcmae.model.encoder import Encoded
from fcmae.model.layers import Linear, initialise
from fcmae.model.layout import Dense
from fcmae.model.options import Architecture, DecoderOptions
from fcmae.model.transformer import TransformerDecoder
from fcmae.model.unet import UNetDecoder
from fcmae.types import Patches, Positions


class Decoder(nn.Module):
    """A 1 x 1 convolution, mask tokens at hidden positions, blocks, a 1 x 1 convolution to pixels.

    Args:
        channels: Width of the encoder's last stage.
        values: Values to predict per position.
        options: Depth and width. The blocks are V2 whatever the encoder is.
    """

    def __init__(self, channels: int, values: int, options: DecoderOptions) -> None:
        super().__init__()
        self.options = options
        self.projection = Linear(channels, options.width)
        self.mask_token = nn.Parameter(torch.empty(options.width))
        self.blocks = nn.ModuleList(Block(options.width) for _ in range(options.depth))
        self.prediction = Linear(options.width, values)
        self.apply(initialise)
        nn.init.normal_(self.mask_token, std=0.02)

    def forward(self, stages: Sequence[Encoded], positions: Positions) -> Patches:
        """Values for some positions of each image, by raster index of the last stage."""
        last = stages[-1]
        x = last.layout.fill(self.projection(last.features), self.mask_token)
        dense = Dense(last.layout.height, last.layout.width)
        for block in self.blocks:
            x = block(x, dense)
        image = torch.arange(len(x), device=x.device)[:, None]
        y: Patches = self.prediction(x[image, positions])
        return y


def build_decoder(
    architecture: Architecture, options: DecoderOptions, values: int | None = None
) -> Decoder | UNetDecoder | TransformerDecoder:
    """The decoder of this kind for an encoder's features.

    Args:
        architecture: The encoder's.
        options: Kind, depth and width.
        values: Values to predict per position; by default all pixels of a patch.

    Raises:
        ValueError: A U-Net is asked for something else than pixels.
    """
    if not options.kind.startswith("unet"):
        pixels = architecture.stride**2 * architecture.channels
        return map_decoder(architecture.dims[-1], pixels, options, values)
    if values is not None:
        raise ValueError(
            f"values is {values}, but decoder.kind {options.kind} predicts the pixels of a patch: "
            "leave it out, or choose block or transformer."
        )
    return UNetDecoder(architecture, options)


def map_decoder(
    channels: int, pixels: int, options: DecoderOptions, values: int | None = None
) -> Decoder | TransformerDecoder:
    """The decoder of this kind for the last map of any encoder.

    Args:
        channels: Of the map.
        pixels: Values of the pixels of a position.
        options: Kind (block or transformer), depth and width.
        values: Values to predict per position, where these are not the pixels.

    Raises:
        ValueError: There is nothing to predict.
    """
    if values is not None and values < 1:
        raise ValueError(f"values is {values}, but must be at least 1.")
    kind = TransformerDecoder if options.kind == "transformer" else Decoder
    return kind(channels, pixels if values is None else values, options)
