"""Check of the images that a model is called on: comparisons for those that fit, words for others.

What fits costs four comparisons of Python, which leave no trace in compiled and exported graphs.
"""

import torch
from torch import Tensor

from fcmae.options.objects import summary

FROM_FILES = "fcmae.Feed, fcmae.Features and model.predict do all of this for images as they are."


def check_input(images: object, channels: int, dtype: torch.dtype) -> None:
    """Refuse images that are no normalised batch ``n c h w`` of the type of the weights.

    Args:
        images: What the model is called on.
        channels: Channels that it takes.
        dtype: Type of its weights. Under autocast, other types than float64 are taken too.

    Raises:
        ValueError: It is something else; the message says what makes images of it.
    """
    if isinstance(images, Tensor):
        if images.ndim == 4 and images.shape[1] == channels and images.dtype == dtype:
            return
    else:
        raise ValueError(
            f"the model was given {summary(images)}, but takes a tensor n c h w, normalised, of "
            f"{channels} channels: for an array n h w c of uint8 that is "
            "(torch.from_numpy(images).permute(0, 3, 1, 2) / 255 - mean) / std, with mean and std "
            f"of the shape c 1 1. {FROM_FILES}"
        )
    if images.ndim != 4 or images.shape[1] != channels:
        raise ValueError(_wrong_shape(images, channels))
    if not images.is_floating_point():
        raise ValueError(
            f"the images are {_name(images.dtype)}, but the model takes normalised numbers of "
            f"{_name(dtype)}: for uint8 that is (images / 255 - mean) / std, with mean and std of "
            f"the shape c 1 1. {FROM_FILES}"
        )
    if images.dtype == torch.float64 or not _is_autocast(images.device):
        raise ValueError(
            f"the images are {_name(images.dtype)}, but the weights of the model are "
            f"{_name(dtype)}: give images.to(torch.{_name(dtype)})."
        )


def _is_autocast(device: torch.device) -> bool:
    """True if other types are converted there; and without values, where none are computed."""
    return device.type == "meta" or torch.is_autocast_enabled(device.type)


def _wrong_shape(images: Tensor, channels: int) -> str:
    """Says which axes are wanted, and how to get them from these where that is evident."""
    shape = " x ".join(map(str, images.shape))
    if images.ndim != 4:
        given = (
            f"the images have {images.ndim} axes ({shape}), but the model takes n c h w, here with "
            f"{channels} for c"
        )
        if images.ndim == 3 and images.shape[0] == channels:
            return f"{given}: images[None] is a batch of one."
        if images.ndim == 3 and images.shape[-1] == channels:
            return f"{given}: images.permute(2, 0, 1)[None] is a batch of one."
        return f"{given}: stack images into a batch, each with its channels."
    found = images.shape[1]
    given = (
        f"the images have {found} {'channel' if found == 1 else 'channels'} ({shape}), but the "
        f"encoder was made for {channels}"
    )
    if images.shape[-1] == channels:
        return f"{given}: images.permute(0, 3, 1, 2) puts channels before height and width."
    repeated = f" (images.expand(-1, {channels}, -1, -1) repeats one)" if found == 1 else ""
    return f"{given}: convert them{repeated}, or make the model with channels={found}."


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
