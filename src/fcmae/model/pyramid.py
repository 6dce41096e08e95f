"""Four feature maps at strides 4, 8, 16 and 32, as detection and segmentation need them."""

from collections.abc import Sequence

from einops import rearrange
from torch import Tensor, nn

from fcmae.model.encoder import Encoder
from fcmae.model.layers import LayerNorm
from fcmae.model.options import Architecture
from fcmae.model.timm_body import pyramid_format
from fcmae.model.timm_net import TimmEncoder
from fcmae.model.timm_options import TimmArchitecture
from fcmae.types import Images, Level

Backbone = Encoder | TimmEncoder
"""An encoder below a task's heads: one of ours, or a net of timm."""


def backbone(
    net: Architecture | TimmArchitecture, *, drop_path: float, checkpointing: bool
) -> Backbone:
    """A new encoder for a task.

    Args:
        net: Its architecture.
        drop_path: Stochastic depth at its last block.
        checkpointing: Recompute its blocks in the backward pass.
    """
    if isinstance(net, TimmArchitecture):
        return TimmEncoder(net, drop_path=drop_path, checkpointing=checkpointing)
    return Encoder(net, drop_path=drop_path, checkpointing=checkpointing)


def level_widths(net: Architecture | TimmArchitecture) -> tuple[int, ...]:
    """Channels of the maps of an encoder, largest map first.

    Raises:
        ValueError: A net of timm has no maps of strides 4, 8, 16 and 32.
    """
    return net.dims if isinstance(net, Architecture) else pyramid_format(net).channels


class LevelNorms(nn.ModuleDict):
    """A LayerNorm for each level, for models that keep the encoder beside them.

    Args:
        net: The encoder's architecture.
        stages: Which stages, from 0.
    """

    def __init__(
        self, net: Architecture | TimmArchitecture, *, stages: Sequence[int] = (0, 1, 2, 3)
    ) -> None:
        widths = level_widths(net)
        super().__init__({str(i): LayerNorm(widths[i]) for i in stages})

    def forward(self, encoder: Backbone, images: Images) -> list[Level]:
        """One map per stage asked for, largest first."""
        if isinstance(encoder, TimmEncoder):
            maps = enumerate(encoder.levels(images))
            return [self._normed(str(i), x) for i, x in maps if str(i) in self]
        stages = encoder.stage_by_stage(images, encoder.layout(images))
        return [
            layout.to_map(self[str(i)](x)) for i, (x, layout) in enumerate(stages) if str(i) in self
        ]

    def _normed(self, level: str, x: Level) -> Level:
        """A map normalised over the channels of each position."""
        y: Tensor = self[level](rearrange(x, "n c h w -> n h w c"))
        back: Level = rearrange(y, "n h w c -> n c h w")
        return back


class Pyramid(nn.Module):
    """The outputs of an encoder's stages, each with a LayerNorm of its own.

    Args:
        encoder: The encoder; its weights are used, not copied.
        stages: Which stages, from 0.
    """

    def __init__(self, encoder: Encoder, *, stages: Sequence[int] = (0, 1, 2, 3)) -> None:
        super().__init__()
        self.encoder = encoder
        self.norms = LevelNorms(encoder.architecture, stages=stages)

    def forward(self, images: Images) -> list[Level]:
        """One map per stage asked for, largest first."""
        levels: list[Level] = self.norms(self.encoder, images)
        return levels
