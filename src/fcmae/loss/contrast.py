"""Telling the other view of an image from those of other images (InfoNCE, as in MoCo v3)."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

Vectors = Float[Tensor, "n d"]


@dataclass(frozen=True, kw_only=True)
class Matched:
    """Loss and accuracy of matching queries with their keys.

    Attributes:
        loss: Mean cross-entropy; the logarithm of the number of keys if nothing is known.
        accuracy: Share of the queries that are nearest to their own key.
    """

    loss: Float[Tensor, ""]
    accuracy: Float[Tensor, ""]


def unit(vectors: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
    """Vectors of length 1, in float32 or wider."""
    wide = torch.promote_types(vectors.dtype, torch.float32)
    return F.normalize(vectors.to(wide), dim=-1)


def match(
    queries: Vectors, keys: Float[Tensor, "m d"], *, first: int, temperature: float
) -> Matched:
    """Compare each query with all keys by their cosine.

    Args:
        queries: Vectors of length 1.
        keys: Vectors of length 1, those of the queries' own images among them.
        first: Index of the first query's own key; those of the others follow.
        temperature: Divides the cosines.
    """
    own = torch.arange(first, first + len(queries), device=queries.device)
    with torch.autocast(queries.device.type, enabled=False):
        logits = queries @ keys.T / temperature
    right = (logits.detach().argmax(dim=1) == own).float().mean()
    return Matched(loss=F.cross_entropy(logits, own), accuracy=right)


def spread(vectors: Vectors) -> Float[Tensor, ""]:
    """Measures how evenly vectors of length 1 spread over the sphere.

    About 1 if every direction is as likely, 0 if all vectors are the same: the embedding has
    collapsed.
    """
    deviation = vectors.std(dim=0, correction=0)
    return deviation.square().sum().sqrt()
