"""MoCo v3 on a page: an encoder that learns, and one that follows it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.model.encoder import Encoder
from fcmae.model.layers import LayerNorm
from fcmae.model.options import Architecture, Projection
from fcmae.model.projection import Projector
from fcmae.options.group import options_from
from fcmae.process_group import Peers
from fcmae.types import Images


@dataclass(frozen=True, kw_only=True)
class Embeddings:
    """Both views of each image as vectors.

    Attributes:
        queries: By the encoder that learns, its projector and the predictor.
        keys: By the momentum encoder and its projector; without a gradient.
    """

    queries: Float[Tensor, "2 n d"]
    keys: Float[Tensor, "2 n d"]


class Contraster(nn.Module):
    """Encoder, norm, projector and predictor, and a momentum copy of the first three.

    Args:
        architecture: The encoder's, or the name of its size; ``atto`` by default.
        projection: Sizes of projector and predictor: a dataclass or a mapping.
        drop_path: Stochastic depth at the encoder's last block; the momentum encoder has none.
        checkpointing: Recompute the encoder's blocks in the backward pass.
    """

    def __init__(
        self,
        architecture: Architecture | str | None = None,
        *,
        projection: Projection | Mapping[str, Any] | None = None,
        drop_path: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(architecture, drop_path=drop_path, checkpointing=checkpointing)
        channels = self.encoder.architecture.dims[-1]
        projection = options_from(Projection, projection, "projection")
        hidden, width = projection.between(channels), projection.width
        self.projection = replace(projection, hidden=hidden)
        widths = (channels, *(hidden,) * (projection.depth - 1), width)
        self.norm = LayerNorm(channels)
        self.projector = Projector(*widths)
        self.predictor = Projector(width, *(hidden,) * (projection.predictor_depth - 1), width)
        self.momentum_encoder = Encoder(self.encoder.architecture)
        self.momentum_norm = LayerNorm(channels)
        self.momentum_projector = Projector(*widths)
        self.start_momentum()

    def start_momentum(self) -> None:
        """Make the momentum copy equal to what it follows."""
        for own, copy in self._copies():
            copy.load_state_dict(own.state_dict())
            copy.requires_grad_(False)

    @torch.no_grad()
    def follow(self, momentum: float) -> None:
        """Move the momentum copy's weights towards those that are trained.

        Running statistics are not weights: each branch has those of its own passes.

        Args:
            momentum: Share of the copy's weights that is kept.
        """
        for own, copy in self._copies():
            for trained, followed in zip(own.parameters(), copy.parameters(), strict=True):
                followed.lerp_(trained, 1 - momentum)

    def features(self, images: Images) -> Float[Tensor, "n d"]:
        """One vector per image, as a classifier's head sees it: mean over positions, LayerNorm."""
        pooled: Tensor = self.norm(self.encoder(images).features.mean(dim=1))
        return pooled

    def forward(self, first: Images, second: Images, peers: Peers) -> Embeddings:
        """Embed both views; each has batch statistics of its own.

        Args:
            first: The first view of each image.
            second: The second view of each image.
            peers: The processes over whose images batch statistics are taken.
        """
        for view in (first, second):
            self.encoder.check(view)
        images = torch.cat([first, second])
        queries = [
            self.predictor(self.projector(view, peers), peers)
            for view in self.features(images).chunk(2)
        ]
        with torch.no_grad():
            followed = self.momentum_encoder(images).features.mean(dim=1)
            keys = [
                self.momentum_projector(view, peers)
                for view in self.momentum_norm(followed).chunk(2)
            ]
        return Embeddings(queries=torch.stack(queries), keys=torch.stack(keys))

    def _copies(self) -> Iterator[tuple[nn.Module, nn.Module]]:
        yield self.encoder, self.momentum_encoder
        yield self.norm, self.momentum_norm
        yield self.projector, self.momentum_projector
