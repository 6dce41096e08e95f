"""Normalised-pixel targets and the error on hidden patches (section 3.1 of the paper)."""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from fcmae.loss.options import Target
from fcmae.types import HiddenPositions, Images, Patches

EPS = 1e-6


@dataclass(frozen=True, kw_only=True)
class PatchStatistics:
    """Mean and standard deviation of each patch, over all its pixels and channels together."""

    mean: Float[Tensor, "n p 1"]
    std: Float[Tensor, "n p 1"]


def to_patches(images: Images, side: int) -> Patches:
    """Cut images into squares, each flattened as (row, column, channel)."""
    return rearrange(images, "n c (h r) (w s) -> n (h w) (r s c)", r=side, s=side)


def to_images(patches: Patches, side: int, grid: tuple[int, int]) -> Images:
    """The inverse of ``to_patches``."""
    return rearrange(
        patches, "n (h w) (r s c) -> n c (h r) (w s)", h=grid[0], w=grid[1], r=side, s=side
    )


def statistics(patches: Patches) -> PatchStatistics:
    """Mean and unbiased standard deviation of each patch, kept away from zero."""
    variance, mean = torch.var_mean(patches, dim=-1, keepdim=True)
    return PatchStatistics(mean=mean, std=(variance + EPS).sqrt())


def pixel_targets(images: Images, side: int, target: Target) -> Patches:
    """What the decoder should predict for each patch, in float32."""
    patches = to_patches(images.float(), side)
    if not target.normalize:
        return patches
    of_patch = statistics(patches)
    return (patches - of_patch.mean) / of_patch.std


def pixel_loss(
    prediction: Patches, targets: Patches, hidden: HiddenPositions, target: Target
) -> Float[Tensor, ""]:
    """Mean squared error, averaged over hidden patches; about 1.0 for predicting the mean.

    With ``target.visible_weight`` the average over visible patches is added, weighted.
    """
    error = (prediction.float() - targets).square().mean(dim=-1)
    loss = error.mul(hidden).sum() / hidden.sum()
    if target.visible_weight:
        loss = loss + target.visible_weight * error.mul(~hidden).sum() / (~hidden).sum()
    return loss
