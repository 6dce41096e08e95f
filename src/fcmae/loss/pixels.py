"""Normalised-pixel targets and the error on hidden patches (section 3.1 of the paper)."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from fcmae.kernels.patches import computes_error, patch_error, take_patches
from fcmae.loss.options import Target
from fcmae.types import Images, Patches, Positions

EPS = 1e-6


@dataclass(frozen=True, kw_only=True)
class PatchStatistics:
    """Mean and standard deviation of each patch: one for all its values, or one for each."""

    mean: Float[Tensor, "n p #k"]
    std: Float[Tensor, "n p #k"]


def to_patches(images: Images, side: int) -> Patches:
    """Cut images into squares, each flattened as (row, column, channel)."""
    return rearrange(images, "n c (h r) (w s) -> n (h w) (r s c)", r=side, s=side)


def to_images(patches: Patches, side: int, grid: tuple[int, int]) -> Images:
    """The inverse of ``to_patches``."""
    return rearrange(
        patches, "n (h w) (r s c) -> n c (h r) (w s)", h=grid[0], w=grid[1], r=side, s=side
    )


def statistics(
    patches: Patches,
    groups: Sequence[int] | None = None,
    missing: Bool[Tensor, "n p k"] | None = None,
) -> PatchStatistics:
    """Mean and unbiased standard deviation of each patch, kept away from zero.

    Args:
        patches: Squares of images, each flattened as (row, column, channel).
        groups: Sizes of groups of channels, each with statistics of its own; None for one group.
        missing: Values that have no share.
    """
    if missing is None and (groups is None or len(groups) == 1):
        variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
        return PatchStatistics(mean=mean, std=(variance + EPS).sqrt())
    groups = groups or [1]
    means, stds = [], []
    known = torch.ones_like(patches) if missing is None else (~missing).to(patches.dtype)
    parts = (torch.split(_channels(x, sum(groups)), list(groups), -1) for x in (patches, known))
    for values, counted in zip(*parts, strict=True):
        number = counted.sum((-2, -1), keepdim=True)
        mean = (values * counted).sum((-2, -1), keepdim=True) / number.clamp(min=1)
        squares = ((values - mean).square() * counted).sum((-2, -1), keepdim=True)
        std = (squares / (number - 1).clamp(min=1) + EPS).sqrt()
        means.append(mean.expand(values.shape))
        stds.append(std.expand(values.shape))
    mean, std = (torch.cat(each, dim=-1).flatten(2) for each in (means, stds))
    return PatchStatistics(mean=mean, std=std)


def _channels(patches: Patches, channels: int) -> Float[Tensor, "n p s c"]:
    """The values of a patch by pixel and channel."""
    return rearrange(patches, "n p (s c) -> n p s c", c=channels)


def pixel_error(
    prediction: Patches,
    patches: Patches,
    target: Target,
    *,
    channels: int | None = None,
    missing: Bool[Tensor, "n p k"] | None = None,
) -> Float[Tensor, "n p"]:
    """Mean squared error of each patch, in float32; about 1.0 for predicting the mean.

    Args:
        prediction: Of the pixels of each patch.
        patches: The pixels.
        target: Normalisation of the pixels.
        channels: Of the images; None where they are normalised together.
        missing: Pixels that are not known, and have no share; of a patch without others it is 0.
    """
    wide = torch.promote_types(prediction.dtype, torch.float32)
    patches = patches.to(wide)
    if target.normalize:
        groups = None if channels is None else target.groups_of(channels)
        of_patch = statistics(patches, groups, missing)
        patches = (patches - of_patch.mean) / of_patch.std
    if missing is None:
        return squared_error(prediction, patches)
    squares = (prediction.to(wide) - patches).square().masked_fill(missing, 0)
    return squares.sum(dim=-1) / (~missing).sum(dim=-1).clamp(min=1)


def squared_error(prediction: Patches, patches: Patches) -> Float[Tensor, "n p"]:
    """Mean squared error of each patch, in float32 or wider."""
    wide = torch.promote_types(prediction.dtype, torch.float32)
    return (prediction.to(wide) - patches.to(wide)).square().mean(dim=-1)


def pixel_error_at(
    prediction: Patches,
    images: Images,
    side: int,
    positions: Positions,
    target: Target,
    *,
    missing: Bool[Tensor, "n p k"] | None = None,
) -> Float[Tensor, "n p"]:
    """``pixel_error`` of the patches of images at some raster indices."""
    channels = images.shape[1]
    apart = target.normalize and len(target.groups_of(channels)) > 1
    if apart or missing is not None:
        patches = take_patches(images, side, positions)
        return pixel_error(prediction, patches, target, channels=channels, missing=missing)
    if computes_error(images, prediction):
        return patch_error(prediction, images, side, positions, EPS if target.normalize else None)
    return pixel_error(prediction, take_patches(images, side, positions), target)
