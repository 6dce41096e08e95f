"""Rules of the operations that read neighbours: convolution, pooling, padding, enlarging."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from fcmae.model.masked.computation import Map, MaskedComputation, NotMaskableError

Function = Callable[..., Any]


def convolution(
    masked: MaskedComputation,
    func: Function,
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """Hidden positions count as zero, as in a sparse convolution."""
    place = masked.map_of(input, "conv2d")
    if masked.place_of(weight) is not None:
        raise NotMaskableError("calls conv2d with a feature map for its weights")
    reads_neighbours = tuple(weight.shape[-2:]) != (1, 1) or place.is_padded
    skips = not _all_equal(stride, 1) or not (padding == "valid" or _all_equal(padding, 0))
    x = masked.filled(input) if reads_neighbours or skips else input
    return _resized(masked, func(x, weight, bias, stride, padding, dilation, groups), place)


def max_pooling(
    masked: MaskedComputation, func: Function, input: Tensor, *args: Any, **kwargs: Any
) -> Tensor:
    """The largest visible value of each window; windows without any give 0."""
    place = masked.map_of(input, "max_pool2d")
    if kwargs.get("return_indices"):
        raise NotMaskableError("calls max_pool2d for indices")
    y = _resized(masked, func(masked.filled(input, -torch.inf), *args, **kwargs), place)
    return masked.follow(masked.filled(y), masked.place_of(y))


def average_pooling(
    masked: MaskedComputation, func: Function, input: Tensor, *args: Any, **kwargs: Any
) -> Tensor:
    """The mean of the visible values of each window.

    Zeros of the padding count where the function counts them, so that nothing changes where nothing
    is hidden.
    """
    place = masked.map_of(input, "avg_pool2d")
    visible = (~place.hidden[:, None]).to(input.dtype)
    inside = func(torch.ones_like(visible[:1]), *args, **kwargs)
    seen = func(visible, *args, **kwargs)
    y = func(masked.filled(input), *args, **kwargs) * (inside / seen.masked_fill(seen == 0, 1))
    return _resized(masked, y, place)


def adaptive_pooling(
    masked: MaskedComputation,
    func: Function,
    input: Tensor,
    output_size: Any,
    return_indices: bool = False,
) -> Tensor:
    """Pooling of the whole map, over its visible positions."""
    place = masked.map_of(input, func.__name__)
    height, width = place.hidden.shape[-2:]
    wanted = (output_size,) * 2 if isinstance(output_size, int) else tuple(output_size)
    if wanted in ((height, width), (None, None)):
        return input
    if wanted != (1, 1) or return_indices:
        raise NotMaskableError(f"pools a map of {height} x {width} positions to {wanted}")
    if place.is_padded:
        raise NotMaskableError(f"calls {func.__name__} over positions of a padded map")
    if "max" in func.__name__:
        largest = masked.filled(input, -torch.inf).amax((-2, -1), keepdim=True)
        pooled: Tensor = masked.follow(largest, None)
        return pooled
    mean = masked.filled(input).mean((-2, -1), keepdim=True) / masked.grid.visible_share
    return masked.follow(mean.to(input.dtype), None)


def padding(
    masked: MaskedComputation,
    func: Function,
    input: Tensor,
    pad: Sequence[int],
    mode: str = "constant",
    value: float | int | None = None,
) -> Tensor:
    """A border around hidden zeros, for the convolution or pooling that comes next."""
    place = masked.map_of(input, "pad")
    around = (*pad, 0, 0, 0, 0)[:4]
    if min(pad) < 0:
        raise NotMaskableError("calls pad to crop a map")
    y: Tensor = func(masked.filled(input), pad, mode, value)
    if not any(around):
        return masked.follow(y, place)
    hidden = F.pad(place.hidden[:, None].float(), around, mode, 0 if mode == "constant" else None)
    padded = replace(place, hidden=hidden[:, 0] > 0, is_padded=True)
    return masked.follow(y, padded)


def enlarging(
    masked: MaskedComputation,
    func: Function,
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    *args: Any,
    **kwargs: Any,
) -> Tensor:
    """Nearest upsampling by a whole factor; everything else would mix positions."""
    place = masked.map_of(input, "interpolate")
    y = func(input, size, scale_factor, mode, *args, **kwargs)
    before, after = input.shape[-2:], y.shape[-2:]
    if mode not in ("nearest", "nearest-exact") or after[0] % before[0] or after[1] % before[1]:
        raise NotMaskableError(f"calls interpolate ({mode}), which mixes positions")
    return _resized(masked, y, place)


def _resized(masked: MaskedComputation, y: Tensor, place: Map) -> Tensor:
    """A result at its own resolution; a padded map stays one until its border is used up."""
    size = (y.shape[-2], y.shape[-1])
    if size == tuple(place.hidden.shape[-2:]):
        return masked.follow(y, place)
    return masked.follow(y, masked.map_at(size))


def _all_equal(value: Any, number: int) -> bool:
    return all(x == number for x in (value if isinstance(value, list | tuple) else (value,)))
