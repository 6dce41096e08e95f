"""The layers that ConvNeXt adds to PyTorch's own."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.kernels.gelu_grn import gelu_grn
from fcmae.kernels.grn import grn
from fcmae.kernels.layer_norm import layer_norm
from fcmae.kernels.linear import linear
from fcmae.types import Features

NORM_EPS = 1e-6


class GRN(nn.Module):
    """Global response normalization (section 3.3 of the paper), for any net and any rank.

    Each channel is scaled by its energy relative to the average channel of the same image, which
    makes channels compete instead of collapsing onto one another. Statistics are per image, in
    float32; both parameters start at zero, so a new layer is the identity.

    Args:
        channels: Size of the channel axis.
        channels_last: Whether channels are the last axis (``n ... c``) or the second (``n c ...``).
        eps: Keeps the ratio finite on an all-zero image.
    """

    def __init__(self, channels: int, *, channels_last: bool = True, eps: float = 1e-6) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(channels))
        self.beta = nn.Parameter(torch.zeros(channels))
        self.channels_last = channels_last
        self.eps = eps

    def forward(self, x: Float[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
        """Normalise ``n ... c`` or ``n c ...``."""
        if x.ndim < 2 or x.shape[-1 if self.channels_last else 1] != self.gamma.numel():
            axis = "last" if self.channels_last else "second"
            raise ValueError(
                f"GRN has {self.gamma.numel()} channels, which must be the {axis} of at least two "
                f"axes, but the input has shape {tuple(x.shape)}."
            )
        x_last = x if self.channels_last else x.movedim(1, -1)
        flat = x_last.reshape(len(x), math.prod(x_last.shape[1:-1]), x_last.shape[-1])
        y = grn(flat, self.gamma, self.beta, self.eps).view(x_last.shape)
        return y if self.channels_last else y.movedim(-1, 1)

    def after_gelu(self, x: Features) -> Features:
        """``self(gelu(x))`` in one operation, which is faster."""
        return gelu_grn(x, self.gamma, self.beta, self.eps)

    def extra_repr(self) -> str:
        """The arguments, for ``print(model)``."""
        return f"{self.gamma.numel()}, channels_last={self.channels_last}, eps={self.eps}"


class LayerNorm(nn.LayerNorm):
    """PyTorch's LayerNorm over the last axis, computed by our kernels.

    Args:
        channels: Size of the last axis.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=NORM_EPS)

    def forward(self, x: Float[Tensor, "... c"]) -> Float[Tensor, "... c"]:
        """Normalise the last axis."""
        return layer_norm(x, self.weight, self.bias, self.eps)


class Linear(nn.Linear):
    """PyTorch's linear layer on features, computed by our kernels."""

    def forward(self, x: Features) -> Float[Tensor, "n p d"]:
        """Multiply the last axis."""
        return linear(x, self.weight, self.bias)


class StochasticDepth(nn.Module):
    """Leave out a residual branch for some images of a batch while training (Huang 2016).

    Args:
        probability: Share of the images that skip the branch; the others are scaled up for it.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, x: Features) -> Features:
        """Zero for the images that skip, drawn from PyTorch's global generator."""
        if not self.training or self.probability == 0:
            return x
        kept = 1 - self.probability
        draw = torch.rand(len(x), 1, 1, device=x.device) < kept
        return x * (draw / kept).to(x.dtype)

    def extra_repr(self) -> str:
        """The argument, for ``print(model)``."""
        return f"{self.probability:.3f}"


class LayerScale(nn.Module):
    """A factor per channel on a residual branch (V1 only; Touvron 2021)."""

    def __init__(self, channels: int, *, initial: float = 1e-6) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((channels,), initial))

    def forward(self, x: Features) -> Features:
        """Scale the last axis."""
        return x * self.weight


def initialise(module: nn.Module) -> None:
    """The paper's initialisation of convolutions and linear layers: std 0.02, zero bias."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
