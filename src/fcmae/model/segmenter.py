"""UPerNet (Xiao 2018) on the encoder's pyramid, as section A.4 of the paper uses it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fcmae.model.given_architecture import net_of
from fcmae.model.options import Architecture, UPerNet
from fcmae.model.pooling import average_pool
from fcmae.model.pyramid import LevelNorms, backbone, level_widths
from fcmae.model.timm_options import TimmArchitecture
from fcmae.options.group import options_from
from fcmae.types import FeatureMap, Images, Level, PixelLogits

BINS = (1, 2, 3, 6)
"""Sides of the grids that the pyramid pooling averages the last map over."""

AUXILIARY_LEVEL = 2
"""The stage that the auxiliary head reads, from 0."""

CHANNELS_PER_GROUP = 16
"""Of GroupNorm. A map of one position still has something to be normalised over."""


@dataclass(frozen=True, kw_only=True)
class ScoreMaps:
    """Class scores before softmax: the head's at a stride of 4, the auxiliary head's at 16."""

    scores: PixelLogits
    auxiliary: Level


class ConvNorm(nn.Sequential):
    """Convolution without bias, norm, ReLU.

    Args:
        channels: Of the input.
        out: Of the output.
        kernel: Side in positions.
        norm: ``group`` (16 channels in each), or ``batch`` for weights made elsewhere.
    """

    def __init__(self, channels: int, out: int, *, kernel: int, norm: str) -> None:
        conv = nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False)
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
        super().__init__()
        self.conv = conv
        self.norm = (
            nn.GroupNorm(out // CHANNELS_PER_GROUP, out) if norm == "group" else nn.BatchNorm2d(out)
        )
        self.act = nn.ReLU()


class PyramidPooling(nn.Module):
    """The last map beside its averages over ever finer grids (Zhao 2017)."""

    def __init__(self, channels: int, width: int, *, norm: str) -> None:
        super().__init__()
        self.branches = nn.ModuleList(ConvNorm(channels, width, kernel=1, norm=norm) for _ in BINS)
        self.join = ConvNorm(channels + len(BINS) * width, width, kernel=3, norm=norm)

    def forward(self, x: FeatureMap) -> Level:
        """A map of the same height and width."""
        averages = [
            branch(average_pool(x, side)) for branch, side in zip(self.branches, BINS, strict=True)
        ]
        joined: Tensor = self.join(torch.cat([x, *(_like(y, x) for y in averages)], dim=1))
        return joined


class Head(nn.Module):
    """From four levels to class scores at the stride of the first."""

    def __init__(self, dims: Sequence[int], num_classes: int, options: UPerNet) -> None:
        super().__init__()
        width, norm = options.width, options.norm
        self.pooling = PyramidPooling(dims[-1], width, norm=norm)
        self.laterals = nn.ModuleList(ConvNorm(c, width, kernel=1, norm=norm) for c in dims[:-1])
        self.smooth = nn.ModuleList(ConvNorm(width, width, kernel=3, norm=norm) for _ in dims[:-1])
        self.join = ConvNorm(len(dims) * width, width, kernel=3, norm=norm)
        self.dropout = nn.Dropout2d(options.dropout)
        self.classify = _classifier(width, num_classes)

    def forward(self, levels: list[Level]) -> PixelLogits:
        """Scores before softmax."""
        *lower, last = levels
        maps = [lateral(x) for lateral, x in zip(self.laterals, lower, strict=True)]
        maps.append(self.pooling(last))
        for i in range(len(maps) - 1, 0, -1):
            maps[i - 1] = maps[i - 1] + _like(maps[i], maps[i - 1])
        *lower, last = maps
        maps = [*(smooth(x) for smooth, x in zip(self.smooth, lower, strict=True)), last]
        joined = self.join(torch.cat([_like(x, maps[0]) for x in maps], dim=1))
        scores: Tensor = self.classify(self.dropout(joined))
        return scores


class Auxiliary(nn.Module):
    """A small head on the third level, which gives that stage a loss of its own."""

    def __init__(self, channels: int, num_classes: int, options: UPerNet) -> None:
        super().__init__()
        width = options.auxiliary_width
        self.conv = ConvNorm(channels, width, kernel=3, norm=options.norm)
        self.dropout = nn.Dropout2d(options.dropout)
        self.classify = _classifier(width, num_classes)

    def forward(self, x: FeatureMap) -> PixelLogits:
        """Scores before softmax."""
        scores: Tensor = self.classify(self.dropout(self.conv(x)))
        return scores


class Segmenter(nn.Module):
    """An encoder that names the class of each pixel.

    Args:
        architecture: The encoder's, or the name of its size; ``atto`` by default. A net of timm,
            ``timm:NAME``, needs maps of strides 4, 8, 16 and 32.
        channels: Channels of the images, where a name stands for the rest; 3 by default.
        stem: Side in pixels of the stem's patches, likewise: 4 (by default), 2 or 1.
        num_classes: How many classes pixels can have.
        head: Widths, norm and dropout: a dataclass or a mapping.
        drop_path: Stochastic depth at the encoder's last block.
        checkpointing: Recompute the encoder's blocks in the backward pass.
    """

    def __init__(
        self,
        architecture: Architecture | TimmArchitecture | str | None = None,
        *,
        channels: int | None = None,
        stem: int | None = None,
        num_classes: int,
        head: UPerNet | Mapping[str, Any] | None = None,
        drop_path: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if num_classes < 2:
            raise ValueError(f"num_classes is {num_classes}, but must be at least 2.")
        self.num_classes, self.options = num_classes, options_from(UPerNet, head, "head")
        net = net_of(architecture, channels, stem)
        self.encoder = backbone(net, drop_path=drop_path, checkpointing=checkpointing)
        self.norms = LevelNorms(self.encoder.architecture)
        dims = level_widths(self.encoder.architecture)
        self.head = Head(dims, num_classes, self.options)
        self.auxiliary = Auxiliary(dims[AUXILIARY_LEVEL], num_classes, self.options)

    def both(self, images: Images) -> ScoreMaps:
        """The scores of both heads, at their own strides, to learn from."""
        levels = self.norms(self.encoder, images)
        return ScoreMaps(
            scores=self.head(levels), auxiliary=self.auxiliary(levels[AUXILIARY_LEVEL])
        )

    def forward(self, images: Images) -> PixelLogits:
        """Class scores of every pixel before softmax, in float32."""
        scores = self.head(self.norms(self.encoder, images))
        return enlarge(scores, (images.shape[-2], images.shape[-1]))


def enlarge(scores: PixelLogits, size: tuple[int, int]) -> Level:
    """Scores at the height and width of the pixels, bilinear, in float32."""
    return F.interpolate(scores.float(), size=size, mode="bilinear", align_corners=False)


def _like(x: Level, other: Level) -> Level:
    """A map at another one's height and width."""
    return F.interpolate(x, size=other.shape[-2:], mode="bilinear", align_corners=False)


def _classifier(channels: int, num_classes: int) -> nn.Conv2d:
    conv = nn.Conv2d(channels, num_classes, 1)
    nn.init.normal_(conv.weight, std=0.01)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]  # it has one
    return conv
