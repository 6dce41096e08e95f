"""The ConvNeXt block, V1 and V2, on any layout."""

from typing import Literal

from torch import Tensor, nn

from fcmae.model.grn_options import Response
from fcmae.model.grn_variants import response_layer
from fcmae.model.layers import GRN, LayerNorm, LayerScale, Linear, StochasticDepth
from fcmae.model.layout import Layout
from fcmae.types import Features


class Block(nn.Module):
    """Depthwise 7 x 7, LayerNorm, linear to 4C, GELU, GRN (V2), linear to C, LayerScale (V1).

    Args:
        channels: C, the width of the stage.
        version: 1 or 2 (figure 5 of the paper shows both).
        drop_path: Probability of leaving the block out for an image.
        response: GRN, or what stands in its place (V2 only).
    """

    def __init__(
        self,
        channels: int,
        *,
        version: Literal[1, 2] = 2,
        drop_path: float = 0.0,
        response: Response | None = None,
    ) -> None:
        super().__init__()
        # A Conv2d for its parameters and their initialisation; the layout computes.
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = LayerNorm(channels)
        self.expand = Linear(channels, 4 * channels)
        self.act = nn.GELU()
        self.grn = response_layer(4 * channels, response or Response()) if version == 2 else None
        self.contract = Linear(4 * channels, channels)
        self.scale = LayerScale(channels) if version == 1 else None
        self.drop_path = StochasticDepth(drop_path)

    def forward(self, x: Features, layout: Layout) -> Features:
        """The same shape and layout."""
        assert self.depthwise.bias is not None
        y = layout.depthwise(x, self.depthwise.weight, self.depthwise.bias)
        y = self.contract(self._activate(self.expand(self.norm(y)), layout))
        if self.scale is not None:
            y = self.scale(y)
        out: Features = x + self.drop_path(y)
        return out

    def _activate(self, y: Features, layout: Layout) -> Features:
        """GELU, and GRN or what stands in its place."""
        if isinstance(self.grn, GRN):
            # GELU leaves zeros alone, so what is hidden may be zeroed before it.
            return self.grn.after_gelu(layout.hide(y))
        activated: Tensor = self.act(y)
        if self.grn is not None:
            activated = self.grn(activated, layout)
        return activated
