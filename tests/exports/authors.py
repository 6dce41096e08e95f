"""The nets of the authors' repositories, built from their documented names and shapes alone.

They stand in for ``models.convnextv2``, ``models.convnext`` and ``models.fcmae`` of a checkout.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-6


class Norm(nn.LayerNorm):
    """LayerNorm over the channels of maps, ``n c h w``."""

    def forward(self, x: Tensor) -> Tensor:
        y = F.layer_norm(x.movedim(1, -1), self.normalized_shape, self.weight, self.bias, EPS)
        return y.movedim(-1, 1)


class Response(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, channels))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, channels))

    def forward(self, x: Tensor) -> Tensor:
        energy = x.square().sum(dim=(1, 2), keepdim=True).sqrt()
        return self.gamma * (x * energy / (energy.mean(-1, keepdim=True) + EPS)) + self.beta + x


class Block(nn.Module):
    def __init__(self, channels: int, *, version: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=EPS)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.version = version
        if version == 2:
            self.grn = Response(4 * channels)
        else:
            self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        y = F.gelu(self.pwconv1(self.norm(self.dwconv(x).movedim(1, -1))))
        y = self.pwconv2(self.grn(y) if self.version == 2 else y)
        y = y if self.version == 2 else self.gamma * y
        return x + y.movedim(-1, 1)


class ConvNeXtV2(nn.Module):
    version = 2

    def __init__(
        self,
        *,
        in_chans: int,
        depths: list[int],
        dims: list[int],
        num_classes: int = 1000,
    ) -> None:
        super().__init__()
        self.downsample_layers = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(in_chans, dims[0], 4, stride=4), Norm(dims[0]))]
        )
        for before, after in pairwise(dims):
            self.downsample_layers.append(
                nn.Sequential(Norm(before), nn.Conv2d(before, after, 2, stride=2))
            )
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(c, version=self.version) for _ in range(depth)))
            for c, depth in zip(dims, depths, strict=True)
        )
        self.norm = nn.LayerNorm(dims[-1], eps=EPS)
        self.head = nn.Linear(dims[-1], num_classes)

    def forward_features(self, x: Tensor) -> Tensor:
        for downsample, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(downsample(x))
        pooled: Tensor = self.norm(x.mean(dim=(2, 3)))
        return pooled

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.head(self.forward_features(x))
        return logits


class ConvNeXt(ConvNeXtV2):
    version = 1


class FCMAE(nn.Module):
    """The names and shapes of the sparse autoencoder; it computes nothing."""

    def __init__(
        self,
        *,
        img_size: int,
        in_chans: int,
        depths: list[int],
        dims: list[int],
        decoder_depth: int,
        decoder_embed_dim: int,
        patch_size: int,
    ) -> None:
        super().__init__()
        assert img_size % patch_size == 0
        width = decoder_embed_dim
        self.encoder = Sparse(in_chans, depths, dims)
        self.proj = nn.Conv2d(dims[-1], width, 1)
        self.mask_token = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.decoder = nn.Sequential(*(Block(width, version=2) for _ in range(decoder_depth)))
        self.pred = nn.Conv2d(width, patch_size**2 * in_chans, 1)


class Sparse(nn.Module):
    def __init__(self, in_chans: int, depths: list[int], dims: list[int]) -> None:
        super().__init__()
        self.downsample_layers = nn.ModuleList(
            [nn.Sequential(nn.Conv2d(in_chans, dims[0], 4, stride=4), Norm(dims[0]))]
        )
        for before, after in pairwise(dims):
            norm = named(ln=nn.LayerNorm(before))
            kernel = parameters(kernel=(4, before, after), bias=(1, after))
            self.downsample_layers.append(nn.Sequential(norm, kernel))
        self.stages = nn.ModuleList(
            nn.Sequential(*(sparse_block(c) for _ in range(depth)))
            for c, depth in zip(dims, depths, strict=True)
        )


def sparse_block(channels: int) -> nn.Module:
    c = channels
    return named(
        dwconv=parameters(kernel=(49, c), bias=(1, c)),
        norm=named(ln=nn.LayerNorm(c)),
        pwconv1=named(linear=nn.Linear(c, 4 * c)),
        grn=parameters(gamma=(1, 4 * c), beta=(1, 4 * c)),
        pwconv2=named(linear=nn.Linear(4 * c, c)),
    )


def named(**modules: nn.Module) -> nn.Module:
    return nn.ModuleDict(modules)


def parameters(**shapes: tuple[int, ...]) -> nn.Module:
    return nn.ParameterDict({name: torch.zeros(shape) for name, shape in shapes.items()})
