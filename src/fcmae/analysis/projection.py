"""Many numbers per image as a point on paper: PCA, t-SNE, UMAP."""

import importlib.util
import warnings

import torch
from jaxtyping import Float
from torch import Tensor

from fcmae.errors import DataError
from fcmae.randomness import integer

Vectors = Float[Tensor, "n d"]
Points = Float[Tensor, "n 2"]

LEAST_IMAGES = 4
PERPLEXITY = 30.0
"""Neighbours that t-SNE thinks of, at most a third of the images."""
NEIGHBOURS = 15
"""Neighbours that UMAP thinks of."""

EXTRAS = {"sklearn": ("scikit-learn", "analyze"), "umap": ("umap-learn", "umap")}
"""What a projection is computed by: the package, and our extra that installs it."""


def missing(library: str) -> str | None:
    """Why a library cannot be used, with the way to get it; None if it can."""
    if importlib.util.find_spec(library) is not None:
        return None
    package, extra = EXTRAS[library]
    return f"it needs {package}: pip install 'fcmae[{extra}]'"


def pca(vectors: Vectors) -> tuple[Points, Float[Tensor, " 2"]]:
    """The two directions of the largest variance, and the share of the variance along each."""
    _check(vectors)
    centred = vectors.double() - vectors.double().mean(dim=0)
    _, values, directions = torch.linalg.svd(centred, full_matrices=False)
    # A direction has no sign; its largest part is made positive.
    largest = directions.gather(1, directions.abs().argmax(dim=1, keepdim=True))
    points = centred @ (directions * largest.sign())[:2].T
    shares = values.square() / values.square().sum().clamp(min=torch.finfo(torch.float64).tiny)
    return points, shares[:2]


def tsne(vectors: Vectors, *, seed: int) -> Points:
    """t-SNE by scikit-learn, begun at the PCA; near points are alike, far ones say little."""
    _check(vectors)
    from sklearn.manifold import TSNE

    made = TSNE(
        perplexity=min(PERPLEXITY, (len(vectors) - 1) / 3),
        init="pca",
        random_state=integer(seed, "tsne") % 2**32,
        n_jobs=1,
    )
    return _lying(torch.from_numpy(made.fit_transform(vectors.float().numpy())))


def umap(vectors: Vectors, *, seed: int) -> Points:
    """UMAP by umap-learn, on one core so that it can be repeated."""
    _check(vectors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # umap-learn and numba warn about themselves
        from umap import UMAP

        made = UMAP(
            n_neighbors=min(NEIGHBOURS, len(vectors) - 1),
            random_state=integer(seed, "umap") % 2**32,
            n_jobs=1,
        )
        return _lying(torch.from_numpy(made.fit_transform(vectors.float().numpy())))


def _lying(points: Points) -> Points:
    """The points, turned so that they reach furthest to the sides; distances stay as they are."""
    return pca(points)[0]


def _check(vectors: Vectors) -> None:
    if len(vectors) < LEAST_IMAGES:
        raise DataError(
            f"a map needs at least {LEAST_IMAGES} images, but there are {len(vectors)}."
        )
