"""The decoder: from visible features to the pixels of every patch (section 3.1, table 1)."""

import torch
from torch import nn

from fcmae.model.block import Block
from fcmae.model.encoder import Encoded
from fcmae.model.layers import Linear, initialise
from fcmae.model.layout import Dense
from fcmae.model.options import Decoder as DecoderOptions
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

    def forward(self, encoded: Encoded, positions: Positions) -> Patches:
        """Values for some positions of each image, by raster index."""
        layout = encoded.layout
        x = layout.fill(self.projection(encoded.features), self.mask_token)
        dense = Dense(layout.height, layout.width)
        for block in self.blocks:
            x = block(x, dense)
        image = torch.arange(len(x), device=x.device)[:, None]
        y: Patches = self.prediction(x[image, positions])
        return y
