"""Rules of reductions and of what only moves axes: means, sums, permute, reshape, cat, slices."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from fcmae.model.masked.computation import Map, MaskedComputation, NotMaskableError

Function = Callable[..., Any]

LEAST = {"amax": -torch.inf, "amin": torch.inf}
"""What stands at hidden positions so that a reduction leaves them out; zero for others."""
OVER_POSITIONS = ("mean", "sum", "amax", "amin", "norm", "linalg_vector_norm")
"""Reductions of whole maps, or of the channels of each position."""
OVER_CHANNELS = ("var", "std", "var_mean", "std_mean", "max", "min", "prod", "logsumexp")
"""Reductions of the channels of each position only."""
ALONG_CHANNELS = (
    "softmax",
    "log_softmax",
    "normalize",
    "glu",
    "chunk",
    "split",
    "split_with_sizes",
)
PLACE_OF_DIM = {"softmax": (0, 0), "log_softmax": (0, 0), "normalize": (1, 1), "glu": (0, -1)}
"""Where such a function takes its axis, and which one if none is named."""
SECOND = ("norm", "linalg_vector_norm")
"""Functions that take their axes behind another argument."""


def reduction(
    masked: MaskedComputation, func: Function, input: Tensor, *args: Any, **kwargs: Any
) -> Any:
    """A reduction over channels of each position, or over the visible positions of each image."""
    place, name = masked.common_map([input], func.__name__), func.__name__
    dims = _dims(input, name, args, kwargs)
    over = {place.rows, place.columns} & dims
    if 0 in {dim + input.ndim for dim in dims}:
        raise NotMaskableError(f"calls {name} over the images of a batch")
    if not over:
        y = func(input, *args, **kwargs)
        return masked.follow(y, _without(masked, place, input.ndim, dims, y))
    if len(over) == 1 or name not in OVER_POSITIONS or place.is_padded:
        what = "the rows or the columns alone" if len(over) == 1 else "positions"
        raise NotMaskableError(f"calls {name} over {what} of a map")
    y = func(masked.filled(input, LEAST.get(name, 0.0)), *args, **kwargs)
    return masked.follow(y / masked.grid.visible_share if name == "mean" else y, None)


def along(
    masked: MaskedComputation, func: Function, input: Tensor, *args: Any, **kwargs: Any
) -> Any:
    """A function along channels, such as softmax, chunk and split: the result has their axis."""
    place, name = masked.common_map([input], func.__name__), func.__name__
    position, default = PLACE_OF_DIM.get(name, (1, 0))
    dim = kwargs.get("dim", args[position] if len(args) > position else default)
    dim = default if dim is None else dim
    _check_channels(input, place, int(dim), name)
    y: Tensor = func(input, *args, **kwargs)
    return masked.follow(y, place)


def joining(masked: MaskedComputation, func: Function, tensors: Any, dim: int = 0) -> Tensor:
    """Concatenation of the channels of maps."""
    place = masked.common_map(tensors, func.__name__)
    _check_channels(tensors[0], place, dim, func.__name__)
    y: Tensor = func(tensors, dim)
    return masked.follow(y, place)


def stacking(masked: MaskedComputation, func: Function, tensors: Any, dim: int = 0) -> Tensor:
    """Maps on a new axis, which is not that of images."""
    place, ndim = masked.common_map(tensors, func.__name__), tensors[0].ndim
    y: Tensor = func(tensors, dim)
    return masked.follow(y, _inserted(masked, place, ndim, dim))


def unsqueezing(masked: MaskedComputation, func: Function, input: Tensor, dim: int) -> Tensor:
    """A new axis, which is not that of images."""
    place = masked.common_map([input], func.__name__)
    y: Tensor = func(input, dim)
    return masked.follow(y, _inserted(masked, place, input.ndim, dim))


def permuting(masked: MaskedComputation, func: Function, input: Tensor, *dims: Any) -> Tensor:
    """Another order of axes, in which images stay first and rows before columns."""
    place = masked.common_map([input], func.__name__)
    order = dims[0] if len(dims) == 1 else dims
    return _ordered(masked, input, place, [dim % input.ndim for dim in order])


def transposing(
    masked: MaskedComputation, func: Function, input: Tensor, dim0: int, dim1: int
) -> Tensor:
    """Two axes swapped."""
    place = masked.common_map([input], func.__name__)
    order = list(range(input.ndim))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return _ordered(masked, input, place, order)


def reshaping(
    masked: MaskedComputation, func: Function, input: Tensor, *args: Any, **kwargs: Any
) -> Tensor:
    """Another shape of the axes before or behind those of the positions."""
    place = masked.common_map([input], func.__name__)
    y: Tensor = func(input, *args, **kwargs)
    first, last = input.ndim + place.rows, input.ndim + place.columns
    if y.shape[:1] == input.shape[:1]:
        if y.shape[place.rows :] == input.shape[place.rows :] and y.ndim > -place.rows:
            return masked.follow(y, place)
        if y.shape[: last + 1] == input.shape[: last + 1]:
            moved = masked.moved(place, first - y.ndim, last - y.ndim)
            return masked.follow(y, moved)
    raise NotMaskableError(
        f"calls {func.__name__} from {tuple(input.shape)} to {tuple(y.shape)}, which takes rows "
        "and columns of a map apart"
    )


def slicing(masked: MaskedComputation, func: Function, input: Tensor, index: Any) -> Tensor:
    """Some of the channels."""
    place = masked.common_map([input], "a slice")
    given = list(index) if isinstance(index, tuple) else [index]
    if any(not isinstance(one, slice) and one is not ... for one in given):
        raise NotMaskableError("takes single values out of a map by an index")
    if ... in given:
        at = given.index(...)
        given[at : at + 1] = [slice(None)] * (input.ndim - len(given) + 1)
    given += [slice(None)] * (input.ndim - len(given))
    kept = (0, input.ndim + place.rows, input.ndim + place.columns)
    if any(given[axis] != slice(None) for axis in kept):
        raise NotMaskableError(
            "takes a part of the positions of a map, or of the images, by a slice"
        )
    y: Tensor = func(input, index)
    return masked.follow(y, place)


def _dims(input: Tensor, name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> set[int]:
    """The axes of a reduction, counted from the last; all of them where none are named."""
    position = 1 if name in SECOND else 0
    given = kwargs.get("dim", args[position] if len(args) > position else None)
    if isinstance(given, Tensor):
        raise NotMaskableError(f"calls {name} of two maps (torch.{name}imum can be followed)")
    if given is None:
        return set(range(-input.ndim, 0))
    dims = given if isinstance(given, list | tuple) else (given,)
    return {dim % input.ndim - input.ndim for dim in dims}


def _without(masked: MaskedComputation, place: Map, ndim: int, dims: set[int], y: Any) -> Map:
    """The layout once axes are gone, if they are."""
    first = y if isinstance(y, Tensor) else y[0]
    if first.ndim == ndim:
        return place
    rows, columns = (axis + sum(dim > axis for dim in dims) for axis in (place.rows, place.columns))
    return masked.moved(place, rows, columns)


def _inserted(masked: MaskedComputation, place: Map, ndim: int, dim: int) -> Map:
    """The layout with a new axis."""
    at = dim % (ndim + 1)
    if at == 0:
        raise NotMaskableError("puts an axis before that of the images")
    rows, columns = (axis + (ndim + axis >= at) - 1 for axis in (place.rows, place.columns))
    return masked.moved(place, rows, columns)


def _ordered(masked: MaskedComputation, input: Tensor, place: Map, order: Sequence[int]) -> Tensor:
    """A map with its axes in another order."""
    if order[0] != 0:
        raise NotMaskableError("moves the axis of the images")
    rows, columns = (
        order.index(input.ndim + axis) - input.ndim for axis in (place.rows, place.columns)
    )
    return masked.follow(input.permute(*order), masked.moved(place, rows, columns))


def _check_channels(input: Tensor, place: Map, dim: int, name: str) -> None:
    """Refuse an axis that is that of the images, the rows or the columns."""
    axis = dim % input.ndim
    if axis in (0, input.ndim + place.rows, input.ndim + place.columns):
        raise NotMaskableError(f"calls {name} along the positions of a map or the images")
