"""The ConvNeXt encoder: one set of weights, run on whole images or on visible patches only."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from fcmae.kernels.linear import linear
from fcmae.masking import patch_grid
from fcmae.model.block import Block
from fcmae.model.check_input import check_input
from fcmae.model.given_architecture import architecture_of
from fcmae.model.layers import LayerNorm, initialise
from fcmae.model.layout import Dense, Layout, MaskedDense, Visible
from fcmae.model.options import Architecture, check_recomputing
from fcmae.types import Features, Images, MergedFeatures, Patches, VisiblePatches


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Features of the last stage and where they lie."""

    features: Features
    layout: Layout


class Downsample(nn.Module):
    """LayerNorm, then a 2 x 2 convolution of stride 2."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.norm = LayerNorm(channels)
        self.conv = nn.Conv2d(channels, out, 2, stride=2)

    def forward(self, x: Features, layout: Layout) -> tuple[MergedFeatures, Layout]:
        """Half the height and width."""
        y, half = layout.merge(self.norm(x))
        return linear_patches(y, self.conv), half


class Encoder(nn.Module):
    """ConvNeXt V1 or V2 without a classifier.

    Args:
        architecture: Sizes, version, channels of the images and stem patch; or the name of a size,
            such as ``tiny`` or ``v1-tiny``; by default ``atto``.
        channels: Channels of the images, where a name stands for the rest; 3 by default.
        stem: Side in pixels of the stem's patches, likewise: 4 (by default), 2 or 1.
        drop_path: Stochastic depth at the last block, rising linearly from 0 at the first.
        checkpointing: Recompute blocks in the backward pass instead of storing activations.
    """

    def __init__(
        self,
        architecture: Architecture | str | None = None,
        *,
        channels: int | None = None,
        stem: int | None = None,
        drop_path: float = 0.0,
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        self.architecture = architecture = architecture_of(architecture, channels, stem)
        check_recomputing(architecture, checkpointing=checkpointing)
        self.checkpointing = checkpointing
        depths, dims = architecture.depths, architecture.dims
        self.stem = nn.Conv2d(
            architecture.channels, dims[0], architecture.stem, stride=architecture.stem
        )
        self.stem_norm = LayerNorm(dims[0])
        self.downsamples = nn.ModuleList(Downsample(c, out) for c, out in pairwise(dims))
        last = max(1, sum(depths) - 1)
        rates = iter(drop_path * i / last for i in range(sum(depths)))
        self.stages = nn.ModuleList(
            nn.ModuleList(
                Block(
                    c,
                    version=architecture.version,
                    drop_path=next(rates),
                    response=architecture.grn.at(stage),
                )
                for _ in range(depth)
            )
            for stage, (c, depth) in enumerate(zip(dims, depths, strict=True), start=1)
        )
        self.apply(initialise)

    def forward(
        self,
        images: Images,
        visible: VisiblePatches | None = None,
        *,
        patch: int | None = None,
        masked_dense: bool = False,
    ) -> Encoded:
        """Features of the last stage.

        Args:
            images: Normalised images; both sides must be multiples of the total stride.
            visible: Patches that may be seen; all of the image by default.
            patch: Side of those patches in pixels; the total stride by default.
            masked_dense: Compute every position and multiply by the mask: the definition, slower.

        Raises:
            ValueError: The images are no float tensor ``n c h w`` that fits the encoder.
        """
        layout = self.layout(images, visible, patch=patch, masked_dense=masked_dense)
        for features, where in self.stage_by_stage(images, layout):
            encoded = Encoded(features=features, layout=where)
        return encoded

    def layout(
        self,
        images: Images,
        visible: VisiblePatches | None = None,
        *,
        patch: int | None = None,
        masked_dense: bool = False,
    ) -> Layout:
        """Layout of the first stage's positions."""
        self.check(images)
        arch = self.architecture
        height, width = images.shape[-2:]
        if visible is None:
            check_divisible(height, width, arch.stride)
            return Dense(height // arch.stem, width // arch.stem)
        side = patch or arch.stride
        layout = Visible(visible, patch_grid(height, width, side), side // arch.stem)
        return MaskedDense.like(layout) if masked_dense else layout

    def check(self, images: object) -> None:
        """Refuse what is no batch of normalised images, with the way to make one of it."""
        check_input(images, self.architecture.channels, self.stem.weight.dtype)

    def stage_by_stage(
        self, images: Images, layout: Layout, *, token: Float[Tensor, " width"] | None = None
    ) -> Iterator[tuple[Features, Layout]]:
        """The output of each of the four stages, with its layout.

        Args:
            images: Normalised images.
            layout: Where the positions of the first stage lie.
            token: What stands at the layout's hidden positions after the stem, if it has any.
        """
        x = self.stem_norm(linear_patches(layout.cut(images), self.stem))
        if token is not None:
            x = layout.fill(x, token)
        for i, stage in enumerate(self.stages):
            if i:
                x, layout = self.downsamples[i - 1](x, layout)
            assert isinstance(stage, nn.ModuleList)
            for block in stage:
                if self.checkpointing and torch.is_grad_enabled():
                    x = checkpoint(block, x, layout, use_reentrant=False)
                else:
                    x = block(x, layout)
            yield x, layout


def encoder_of(model: nn.Module) -> Encoder:
    """The encoder of any model of ours: itself, or the one that it has.

    Raises:
        TypeError: The model is none of ours.
    """
    encoder = model if isinstance(model, Encoder) else getattr(model, "encoder", None)
    if not isinstance(encoder, Encoder):
        raise TypeError(f"{type(model).__name__} has no encoder of ours: use a model of fcmae.")
    return encoder


def check_divisible(height: int, width: int, stride: int) -> None:
    """Refuse images that the stride does not divide, naming the nearest size that fits."""
    if height % stride or width % stride:
        fits = [max(1, round(side / stride)) * stride for side in (height, width)]
        raise ValueError(
            f"images of {height} x {width} pixels do not fit the encoder's stride of {stride} "
            f"pixels. The nearest size that fits is {fits[0]} x {fits[1]}."
        )


def linear_patches(x: Patches, conv: nn.Conv2d) -> Tensor:
    """A convolution whose stride is its kernel, on patches laid out as (row, column, channel)."""
    assert conv.bias is not None
    return linear(x, rearrange(conv.weight, "o c r s -> o (r s c)"), conv.bias)
