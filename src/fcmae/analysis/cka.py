"""Compares layers by linear centred kernel alignment (CKA, arXiv 1905.00414)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from fcmae.errors import DataError

LEAST_IMAGES = 4
"""Images that the unbiased estimate needs."""

Vectors = Float[Tensor, "n _"]
"""A vector for each image, of a width of its own."""


def cka_table(rows: Sequence[Vectors], columns: Sequence[Vectors]) -> Float[Tensor, "rows columns"]:
    """The similarity of every layer of one net with every layer of another, on the same images.

    Args:
        rows: One vector per image for each layer of the first.
        columns: The same for the second.
    """
    first = [_centred(x) for x in rows]
    second = first if columns is rows else [_centred(x) for x in columns]
    lengths = [[_hsic(x, x) for x in layers] for layers in (first, second)]
    table = torch.empty(len(first), len(second), dtype=torch.float64)
    for i, x in enumerate(first):
        for j, other in enumerate(second):
            table[i, j] = _hsic(x, other) / (lengths[0][i] * lengths[1][j]).sqrt()
    return table


def cka(a: Vectors, b: Vectors) -> float:
    """1 for the same features up to rotation, scale and shift; about 0 for unrelated ones.

    The estimate is unbiased (Song et al., 2012), because the plain one is near 1 for any two
    layers that are wider than there are images. It may therefore lie a little below 0. Where a
    layer gives the same for all images, there is no answer: NaN.
    """
    return float(cka_table([a], [b])[0, 0])


def _centred(x: Vectors) -> Float[Tensor, "n d"]:
    """The vectors shifted to a mean of 0, which changes nothing and keeps the sums below small."""
    if len(x) < LEAST_IMAGES:
        raise DataError(f"CKA needs at least {LEAST_IMAGES} images, but there are {len(x)}.")
    return x.double() - x.double().mean(dim=0)


def _hsic(x: Float[Tensor, "n d"], y: Float[Tensor, "n e"]) -> Float[Tensor, ""]:
    """The unbiased Hilbert-Schmidt independence criterion of two layers' inner products.

    Those of an image with itself count as 0. No table of all pairs of images is made: the sum over
    pairs of products is the squared size of ``x.T @ y``, and each image's sum comes from the sum of
    all vectors.
    """
    n = len(x)
    squares = [z.square().sum(dim=1) for z in (x, y)]
    k, m = (z @ z.sum(dim=0) - own for z, own in zip((x, y), squares, strict=True))
    crossed = (x.T @ y).square().sum() - squares[0] @ squares[1]
    apart = k.sum() * m.sum() / ((n - 1) * (n - 2))
    shared = 2 * (k @ m) / (n - 2)
    return (crossed + apart - shared) / (n * (n - 3))
