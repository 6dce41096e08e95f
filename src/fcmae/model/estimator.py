"""An encoder that tells several labels or numbers of an image."""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.model.given_architecture import net_of
from fcmae.model.layers import NORM_EPS, initialise
from fcmae.model.options import Architecture
from fcmae.model.pyramid import backbone
from fcmae.model.timm_net import TimmEncoder
from fcmae.model.timm_options import TimmArchitecture
from fcmae.types import Images, Logits


class Estimator(nn.Module):
    """Mean over positions, LayerNorm, linear head: one output per label or number.

    A net of timm pools and normalises in its own way.

    Args:
        architecture: The encoder's, or the name of its size or of a net of timm, ``timm:NAME``;
            ``atto`` by default.
        channels: Channels of the images, where a name stands for the rest; 3 by default.
        stem: Side in pixels of the stem's patches, likewise: 4 (by default), 2 or 1.
        num_values: How many labels or numbers there are.
        kind: Whether outputs are scores of labels, before the sigmoid, or numbers.
        drop_path: Stochastic depth at the encoder's last block.
        head_init_scale: Factor on the head's initial weights.
        checkpointing: Recompute the encoder's blocks in the backward pass.
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        architecture: Architecture | TimmArchitecture | str | None = None,
        *,
        channels: int | None = None,
        stem: int | None = None,
        num_values: int,
        kind: Literal["labels", "numbers"],
        drop_path: float = 0.0,
        head_init_scale: float = 1.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if num_values < 1:
            raise ValueError(f"num_values is {num_values}, but must be at least 1.")
        if kind not in ("labels", "numbers"):
            raise ValueError(f"kind is {kind!r}, but must be labels or numbers.")
        self.kind = kind
        net = net_of(architecture, channels, stem)
        self.encoder = backbone(net, drop_path=drop_path, checkpointing=checkpointing)
        self.norm: nn.LayerNorm | None = None
        if isinstance(self.encoder, TimmEncoder):
            width = self.encoder.width
        else:
            width = self.encoder.architecture.dims[-1]
            self.norm = nn.LayerNorm(width, eps=NORM_EPS)
        self.head = nn.Linear(width, num_values)
        self.head.apply(initialise)
        self.head.weight.data.mul_(head_init_scale)
        # Numbers are learnt in units of their spread; the model remembers which.
        self.register_buffer("shift", torch.zeros(num_values))
        self.register_buffer("scale", torch.ones(num_values))

    def features(self, images: Images) -> Float[Tensor, "n d"]:
        """One vector per image: what the head sees."""
        if isinstance(self.encoder, TimmEncoder):
            return self.encoder.pooled(images)
        assert self.norm is not None
        pooled: Tensor = self.norm(self.encoder(images).features.mean(dim=1))
        return pooled

    def standardised(self, images: Images) -> Logits:
        """The outputs in the units that are learnt."""
        out: Tensor = self.head(self.features(images))
        return out

    def forward(self, images: Images) -> Logits:
        """Scores of labels before the sigmoid, or numbers in their own units."""
        return self.standardised(images).float() * self.scale + self.shift
