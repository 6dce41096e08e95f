"""Patches of images by number, and the error of their predicted pixels, without copies between."""

import torch
from jaxtyping import Float
from torch import Tensor

from fcmae.kernels import native, reference
from fcmae.kernels.choice import implementation, is_followed
from fcmae.types import Images, Patches, Positions


def take_patches(images: Images, side: int, positions: Positions) -> Patches:
    """Some squares of each image, by raster index, each flattened as (row, column, channel)."""
    if not _is_ours(images):
        return reference.take_patches(images, side, positions)
    out = images.new_empty(*positions.shape, side * side * images.shape[1])
    native.call(
        "fcmae_take_patches",
        _shape(images, side, positions), images.contiguous(), positions.contiguous(), out,
    )  # fmt: skip
    return out


def computes_error(images: Images, prediction: Patches) -> bool:
    """True if ``patch_error`` can: on the CPU, for images that need no gradient."""
    return _is_ours(images) and prediction.dtype in native.TYPES


def patch_error(
    prediction: Patches, images: Images, side: int, positions: Positions, eps: float | None
) -> Float[Tensor, "n p"]:
    """Mean squared error of each patch, in float32.

    Args:
        prediction: Of the patches at ``positions``.
        images: Where the patches are.
        side: Of a patch, in pixels.
        positions: Raster indices of patches.
        eps: Added to a patch's variance, by which it is normalised; None leaves pixels as they are.
    """
    error: Tensor = _PatchError.apply(
        prediction.contiguous(), images.contiguous(), side, positions.contiguous(), eps
    )
    return error


def _is_ours(images: Images) -> bool:
    needs_gradient = images.requires_grad and torch.is_grad_enabled()
    return (
        images.dtype == torch.float32
        and not needs_gradient
        and not is_followed(images)
        and implementation(images) == "native"
    )


def _shape(images: Images, side: int, positions: Positions) -> Tensor:
    assert images.shape[2] % side == images.shape[3] % side == 0
    return torch.tensor([*images.shape, side, positions.shape[1]])


class _PatchError(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[no-untyped-def]  # noqa: PLR0917
        ctx, prediction, images, side, positions, eps
    ):
        of_patch = images.new_empty(*positions.shape, 2)
        error = images.new_empty(positions.shape)
        native.call(
            "fcmae_patch_error",
            _shape(images, side, positions), float(eps or 0), int(eps is not None),
            native.TYPES[prediction.dtype], images, positions, prediction, of_patch, error,
        )  # fmt: skip
        ctx.save_for_backward(prediction, images, positions, of_patch)
        ctx.side = side
        return error

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad):  # type: ignore[no-untyped-def]
        prediction, images, positions, of_patch = ctx.saved_tensors
        grad_prediction = torch.empty_like(prediction)
        native.call(
            "fcmae_patch_error_backward",
            _shape(images, ctx.side, positions), native.TYPES[prediction.dtype],
            images, positions, prediction, of_patch, grad.contiguous(), grad_prediction,
        )  # fmt: skip
        return grad_prediction, None, None, None, None
