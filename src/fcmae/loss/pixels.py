"""Normalised-pixel targets and the error on hidden patches (section 3.1 of the paper)."""

from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from fcmae.kernels.patches import computes_error, patch_error, take_patches
from fcmae.loss.options import Target
from fcmae.types import Images, Patches, Positions

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


def pixel_error(prediction: Patches, patches: Patches, target: Target) -> Float[Tensor, "n p"]:
    """Mean squared error of each patch, in float32; about 1.0 for predicting the mean."""
    wide = torch.promote_types(prediction.dtype, torch.float32)
    patches = patches.to(wide)
    if target.normalize:
        of_patch = statistics(patches)
        patches = (patches - of_patch.mean) / of_patch.std
    return squared_error(prediction, patches)


def squared_error(prediction: Patches, patches: Patches) -> Float[Tensor, "n p"]:
    """Mean squared error of each patch, in float32 or wider."""
    wide = torch.promote_types(prediction.dtype, torch.float32)
    return (prediction.to(wide) - patches.to(wide)).square().mean(dim=-1)


def pixel_error_at(
    prediction: Patches, images: Images, side: int, positions: Positions, target: Target
) -> Float[Tensor, "n p"]:
    """``pixel_error`` of the patches of images at some raster indices."""
    if computes_error(images, prediction):
        return patch_error(prediction, images, side, positions, EPS if target.normalize else None)
    return pixel_error(prediction, take_patches(images, side, positions), target)
