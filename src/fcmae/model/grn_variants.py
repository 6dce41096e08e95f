"""The layers that may stand in GRN's place, on any layout (tables 2 and 16 of the paper).

Each takes what GELU gives, and works on each image alone (batch normalisation apart); positions
that are hidden count nowhere. Statistics are in float32 at least.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.model.gates import CBAM, SqueezeExcite
from fcmae.model.grn_options import Response
from fcmae.model.layers import GRN, LayerNorm
from fcmae.model.layout import Layout
from fcmae.types import Features

EPS = 1e-6
LRN_CHANNELS, LRN_ALPHA, LRN_BETA, LRN_K = 5, 1e-4, 0.75, 2.0
"""Of Krizhevsky et al. (2012)."""


def response_layer(  # noqa: PLR0911 - one for each kind
    channels: int, response: Response
) -> nn.Module | None:
    """The layer after GELU; the very GRN of ``layers`` where nothing else is asked for."""
    if response == Response():
        return GRN(channels)
    match response.kind:
        case "grn":
            return ResponseNorm(channels, response)
        case "none":
            return None
        case "lrn":
            return LocalResponseNorm()
        case "batchnorm":
            return VisibleBatchNorm(channels)
        case "layernorm":
            return ChannelNorm(channels)
        case "se":
            return SqueezeExcite(channels)
        case "cbam":
            return CBAM(channels)


class ResponseNorm(nn.Module):
    """GRN of other parts.

    Args:
        channels: Width of the features.
        response: Aggregation, normalisation, residual, affine.
    """

    def __init__(self, channels: int, response: Response) -> None:
        super().__init__()
        self.response = response
        # Without a residual, a gamma of zero would silence the branch of every block.
        start = 0.0 if response.residual else 1.0
        affine = response.affine
        self.gamma = nn.Parameter(torch.full((channels,), start)) if affine else None
        self.beta = nn.Parameter(torch.zeros(channels)) if affine else None

    def forward(self, x: Features, layout: Layout) -> Features:
        """Aggregate, normalise, calibrate."""
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        y = wide * self._relative(wide, layout)
        if self.gamma is not None and self.beta is not None:
            y = self.gamma * y + self.beta
        if self.response.residual:
            y = y + wide
        return y.to(x.dtype)

    def _relative(self, x: Features, layout: Layout) -> Float[Tensor, "..."]:
        """Relative strength of each channel; 1 where it is neither aggregated nor normalised."""
        if (self.response.aggregation, self.response.normalization) == ("none", "none"):
            return x.new_ones(())
        sums = self._aggregate(x, layout)
        match self.response.normalization:
            case "mean":
                return sums / (sums.mean(dim=-1, keepdim=True) + EPS)
            case "sum":
                return 1 / (sums.sum(dim=-1, keepdim=True) + EPS)
            case "standardize":
                variance, mean = torch.var_mean(sums, dim=-1, keepdim=True, correction=0)
                return (sums - mean) / (variance + EPS).sqrt()
            case "none":
                return sums

    def _aggregate(self, x: Features, layout: Layout) -> Float[Tensor, "n _ c"]:
        """One number per channel of an image; by ``none`` the features themselves."""
        match self.response.aggregation:
            case "l2":
                energy: Tensor = torch.linalg.vector_norm(layout.hide(x), dim=1, keepdim=True)
                return energy
            case "l1":
                return layout.hide(x).abs().sum(dim=1, keepdim=True)
            case "mean":
                return layout.mean(x)
            case "none":
                return x


class LocalResponseNorm(nn.Module):
    """Each channel over the energy of its neighbours at the same position (Krizhevsky 2012)."""

    def forward(self, x: Features, layout: Layout) -> Features:
        """Nothing but the position's own channels is looked at."""
        wide = x.to(torch.promote_types(x.dtype, torch.float32))
        mean = F.avg_pool1d(wide.square(), LRN_CHANNELS, stride=1, padding=LRN_CHANNELS // 2)
        energy = LRN_K + LRN_ALPHA * LRN_CHANNELS * mean
        return (wide / energy.pow(LRN_BETA)).to(x.dtype)


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of each position."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = LayerNorm(channels)

    def forward(self, x: Features, layout: Layout) -> Features:
        """Nothing but the position's own channels is looked at."""
        y: Tensor = self.norm(x)
        return y


class VisibleBatchNorm(nn.Module):
    """Batch normalisation over the visible positions of a process's micro-batch.

    The running statistics are buffers: they are saved, averaged and resumed with the weights.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Features, layout: Layout) -> Features:
        """Zero at hidden positions."""
        rows = x.flatten(0, 1).to(torch.promote_types(x.dtype, torch.float32))
        if layout.hidden is None:
            y: Tensor = self.norm(rows)
        else:
            [seen] = torch.nonzero(~layout.hidden.flatten(), as_tuple=True)
            y = torch.zeros_like(rows).index_copy(0, seen, self.norm(rows[seen]))
        return y.view(x.shape).to(x.dtype)
