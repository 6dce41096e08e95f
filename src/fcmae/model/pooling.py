"""Averages of a map over a grid, as products with constant matrices."""

import torch
from jaxtyping import Float
from torch import Tensor

from fcmae.types import FeatureMap, Level


def average_pool(x: FeatureMap, side: int) -> Level:
    """The mean over each cell of a ``side`` x ``side`` grid, like ``adaptive_avg_pool2d``.

    Its cells overlap where the map does not divide evenly, which neither ONNX nor a deterministic
    gradient on the GPU knows for PyTorch's own function; two small products have both.
    """
    rows = _means(side, x.shape[-2], x)
    columns = _means(side, x.shape[-1], x)
    return torch.einsum("nchw,qw->nchq", x, columns).transpose(2, 3).matmul(rows.T).transpose(2, 3)


def _means(cells: int, length: int, like: Tensor) -> Float[Tensor, "cells length"]:
    """A row for each cell, with equal weights where it lies."""
    cell = torch.arange(cells, device=like.device)[:, None]
    place = torch.arange(length, device=like.device)[None, :]
    begin, end = cell * length // cells, -((cell + 1) * length // -cells)
    inside = (place >= begin) & (place < end)
    return (inside / inside.sum(dim=1, keepdim=True)).to(like.dtype)
