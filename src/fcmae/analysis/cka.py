"""How alike two layers see a set of images: linear centred kernel alignment (arXiv 1905.00414)."""

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
    first, second = ([_similarities(x) for x in layers] for layers in (rows, columns))
    lengths = [[_hsic(k, k) for k in layers] for layers in (first, second)]
    table = torch.empty(len(first), len(second), dtype=torch.float64)
    for i, k in enumerate(first):
        for j, other in enumerate(second):
            table[i, j] = _hsic(k, other) / (lengths[0][i] * lengths[1][j]).sqrt()
    return table


def cka(a: Vectors, b: Vectors) -> float:
    """1 for the same features up to rotation, scale and shift; about 0 for unrelated ones.

    The estimate is unbiased (Song et al., 2012), because the plain one is near 1 for any two
    layers that are wider than there are images. It may therefore lie a little below 0. Where a
    layer gives the same for all images, there is no answer: NaN.
    """
    return float(cka_table([a], [b])[0, 0])


def _similarities(x: Vectors) -> Float[Tensor, "n n"]:
    """Inner products of the images with one another, without those of an image with itself."""
    if len(x) < LEAST_IMAGES:
        raise DataError(f"CKA needs at least {LEAST_IMAGES} images, but there are {len(x)}.")
    # Shifting all images changes nothing, and keeps the sums below small.
    centred = x.double() - x.double().mean(dim=0)
    return (centred @ centred.T).fill_diagonal_(0)


def _hsic(k: Float[Tensor, "n n"], m: Float[Tensor, "n n"]) -> Float[Tensor, ""]:
    """The unbiased Hilbert-Schmidt independence criterion."""
    n = len(k)
    crossed = (k * m).sum()
    apart = k.sum() * m.sum() / ((n - 1) * (n - 2))
    shared = 2 * (k.sum(dim=0) @ m.sum(dim=0)) / (n - 2)
    return (crossed + apart - shared) / (n * (n - 3))
