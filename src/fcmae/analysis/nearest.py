"""Finds the images that a model finds most alike."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from fcmae.errors import DataError


def nearest(
    vectors: Float[Tensor, "n d"], queries: Int[Tensor, " q"], k: int
) -> tuple[Int[Tensor, "q k"], Float[Tensor, "q k"]]:
    """The ``k`` images whose vectors are at the smallest angle to each query's, nearest first.

    Args:
        vectors: One per image.
        queries: Rows of the images to find others for; no image is a neighbour of itself.
        k: How many; fewer where there are not so many.

    Returns:
        Rows of the neighbours, and the cosines.
    """
    if len(vectors) < 2:
        raise DataError(f"neighbours need at least 2 images, but there are {len(vectors)}.")
    unit = F.normalize(vectors.double(), dim=1)
    cosines = unit[queries] @ unit.T
    cosines[torch.arange(len(queries)), queries] = -torch.inf
    sorted_ = cosines.sort(dim=1, descending=True, stable=True)
    k = min(k, len(vectors) - 1)
    return sorted_.indices[:, :k], sorted_.values[:, :k]
