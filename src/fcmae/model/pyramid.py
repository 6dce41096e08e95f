"""Four feature maps at strides 4, 8, 16 and 32, as detection and segmentation need them."""

from collections.abc import Sequence

from torch import nn

from fcmae.model.encoder import Encoder
from fcmae.model.layers import LayerNorm
from fcmae.model.options import Architecture
from fcmae.types import Images, Level


class LevelNorms(nn.ModuleDict):
    """A LayerNorm for each level, for models that keep the encoder beside them.

    Args:
        architecture: The encoder's.
        stages: Which stages, from 0.
    """

    def __init__(self, architecture: Architecture, *, stages: Sequence[int] = (0, 1, 2, 3)) -> None:
        super().__init__({str(i): LayerNorm(architecture.dims[i]) for i in stages})

    def forward(self, encoder: Encoder, images: Images) -> list[Level]:
        """One map per stage asked for, largest first."""
        stages = encoder.stage_by_stage(images, encoder.layout(images))
        return [
            layout.to_map(self[str(i)](x)) for i, (x, layout) in enumerate(stages) if str(i) in self
        ]


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
