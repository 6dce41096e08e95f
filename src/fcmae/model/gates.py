"""Gates that may stand in GRN's place: squeeze-and-excite and CBAM (table 2e of the paper)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.model.grn_options import REDUCTION
from fcmae.model.layout import Layout
from fcmae.types import Features


class SqueezeExcite(nn.Module):
    """Each channel times a gate that sees the mean of all channels (Hu 2018).

    Args:
        channels: Width of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = _gate(channels)

    def forward(self, x: Features, layout: Layout) -> Features:
        """The same shape."""
        scale: Tensor = self.gate(_wide_mean(x, layout)).sigmoid()
        return x * scale.to(x.dtype)


class CBAM(nn.Module):
    """A gate for each channel, then one for each position (Woo 2018), without its BatchNorm.

    The second sees its neighbourhood through a 7 x 7 convolution, in which hidden positions are
    zero, as in the depthwise convolution.

    Args:
        channels: Width of the features.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gate = _gate(channels)
        # A Conv2d for its parameters and their initialisation; the layout computes.
        self.spatial = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Features, layout: Layout) -> Features:
        """The same shape."""
        largest = layout.largest(x).to(torch.promote_types(x.dtype, torch.float32))
        of_channels: Tensor = self.gate(_wide_mean(x, layout)) + self.gate(largest)
        y = x * of_channels.sigmoid().to(x.dtype)
        summary = torch.cat([y.mean(dim=-1, keepdim=True), y.amax(dim=-1, keepdim=True)], dim=-1)
        return y * self._of_positions(summary, layout).sigmoid()

    def _of_positions(self, x: Float[Tensor, "n p 2"], layout: Layout) -> Float[Tensor, "n p 1"]:
        """The convolution as two depthwise ones whose outputs are added."""
        weight, bias = self.spatial.weight.transpose(0, 1), self.spatial.bias
        assert bias is not None
        both = layout.depthwise(x, weight, bias.new_zeros(2))
        return both.sum(dim=-1, keepdim=True) + bias.to(both.dtype)


def _gate(channels: int) -> nn.Sequential:
    inner = max(1, channels // REDUCTION)
    return nn.Sequential(nn.Linear(channels, inner), nn.ReLU(), nn.Linear(inner, channels))


def _wide_mean(x: Features, layout: Layout) -> Float[Tensor, "n 1 c"]:
    return layout.mean(x.to(torch.promote_types(x.dtype, torch.float32)))
