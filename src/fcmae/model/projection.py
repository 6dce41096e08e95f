"""Linear layers with batch normalisation, as contrastive learning puts them on an encoder."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.process_group import Peers

EPS = 1e-5
RATE = 0.1
"""Share of a step's statistics in the running ones."""

Vectors = Float[Tensor, "n c"]


class GlobalBatchNorm(nn.Module):
    """Normalise each channel over the images of all processes.

    PyTorch's ``SyncBatchNorm`` is for GPUs only. Every process must have the same number of rows.

    Args:
        channels: Size of the last axis.
        affine: Whether a factor and an offset of each channel are learnt.
    """

    running_mean: Tensor
    running_variance: Tensor

    def __init__(self, channels: int, *, affine: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(channels)) if affine else None
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_variance", torch.ones(channels))

    def forward(self, x: Vectors, peers: Peers) -> Vectors:
        """Normalised by the step's statistics while training, by the running ones afterwards."""
        x = x.to(torch.promote_types(x.dtype, torch.float32))
        if self.training:
            mean, variance = self._statistics(x, peers)
        else:
            mean, variance = self.running_mean, self.running_variance
        x = (x - mean) * (variance + EPS).rsqrt()
        return x if self.weight is None or self.bias is None else x * self.weight + self.bias

    def _statistics(self, x: Vectors, peers: Peers) -> tuple[Tensor, Tensor]:
        rows = len(x) * peers.size
        if rows < 2:
            raise ValueError(
                "a single image cannot be told from others: set optim.batch_size and "
                "run.micro_batch so that no micro-batch has fewer than 2 images."
            )
        mean = peers.total(x.mean(dim=0)) / peers.size
        variance = peers.total((x - mean).square().mean(dim=0)) / peers.size
        with torch.no_grad():
            self.running_mean.lerp_(mean.to(self.running_mean.dtype), RATE)
            unbiased = variance * (rows / (rows - 1))
            self.running_variance.lerp_(unbiased.to(self.running_variance.dtype), RATE)
        return mean, variance


class Projector(nn.Module):
    """Linear layers without bias, each with its batch norm, ReLU between them.

    The last norm learns no factor and no offset.

    Args:
        widths: Channels of the input and of each layer.
    """

    def __init__(self, *widths: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(c, out, bias=False) for c, out in pairwise(widths))
        last = len(widths) - 2
        self.norms = nn.ModuleList(
            GlobalBatchNorm(out, affine=number < last) for number, out in enumerate(widths[1:])
        )

    def forward(self, x: Float[Tensor, "n c"], peers: Peers) -> Float[Tensor, "n d"]:
        """One vector per row."""
        for number, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=True)):
            x = norm(layer(F.relu(x) if number else x), peers)
        return x
