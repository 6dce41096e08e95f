"""Rules of the normalisations: statistics over visible positions only."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from einops import rearrange
from torch import Tensor

from fcmae.model.masked.computation import MaskedComputation, NotMaskableError

Function = Callable[..., Any]


def batch_norm(
    masked: MaskedComputation,
    func: Function,
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | int = 0.1,
    eps: float | int = 1e-5,
) -> Tensor:
    """Batch statistics, and the running ones made of them, over all visible positions."""
    place = masked.map_of(input, "batch_norm")
    arguments = (running_mean, running_var, weight, bias, training, momentum, eps)
    if not training:
        y: Tensor = func(input, *arguments)
        return masked.follow(y, place)
    if place.is_padded:
        raise NotMaskableError("calls batch_norm on a padded map")
    height, width = place.hidden.shape[-2:]
    rows = input.permute(0, 2, 3, 1).flatten(0, 2)
    index = masked.grid.index(height, width)
    normed = func(rows[index], *arguments)
    dense = torch.zeros_like(rows, dtype=normed.dtype).index_copy(0, index, normed)
    y = dense.view(len(input), height, width, -1).permute(0, 3, 1, 2)
    return masked.follow(y, place)


def group_norm(
    masked: MaskedComputation,
    func: Function,
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float | int = 1e-5,
) -> Tensor:
    """Statistics of each image and group of channels over its visible positions, in float32."""
    place = masked.map_of(input, "group_norm")
    wide = input.to(torch.promote_types(input.dtype, torch.float32))
    wide = rearrange(wide, "n (g c) h w -> n g c h w", g=num_groups)
    hidden = place.hidden[:, None, None]
    count = (~hidden).sum((2, 3, 4), keepdim=True) * wide.shape[2]
    mean = wide.masked_fill(hidden, 0).sum((2, 3, 4), keepdim=True) / count
    centred = (wide - mean).masked_fill(hidden, 0)
    variance = centred.square().sum((2, 3, 4), keepdim=True) / count
    y = (centred * (variance + eps).rsqrt()).flatten(1, 2)
    if weight is not None:
        y = y * weight[:, None, None]
    if bias is not None:
        y = y + bias[:, None, None]
    return masked.follow(y.to(input.dtype), place)


def norm_of_position(
    masked: MaskedComputation,
    func: Function,
    input: Tensor,
    normalized_shape: Sequence[int],
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    """Layer norm and RMS norm over the channels of each position, which no mask concerns."""
    place = masked.common_map([input], func.__name__)
    if len(normalized_shape) >= -place.columns:
        raise NotMaskableError(f"calls {func.__name__} over the positions of a map")
    y: Tensor = func(input, normalized_shape, *args, **kwargs)
    return masked.follow(y, place)


def linear(
    masked: MaskedComputation,
    func: Function,
    input: Tensor,
    weight: Tensor,
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    """A linear layer over the channels of each position."""
    place = masked.common_map([input], "linear")
    if place.columns == -1:
        raise NotMaskableError("calls linear over the columns of a map")
    y: Tensor = func(input, weight, *args, **kwargs)
    return masked.follow(y, place)
