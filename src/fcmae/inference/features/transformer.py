"""Features of images as a transformer of scikit-learn, which works without it too."""

import inspect
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn

from fcmae.checkpoint.weights import load_model
from fcmae.data.augment import EvaluationView
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.data.source import ImageData, is_path, paths_of
from fcmae.engine.report import Silent
from fcmae.errors import DataError
from fcmae.evaluation.embed import embed
from fcmae.inference.models import batches, launch
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.process_group import Peers
from fcmae.setup.nets import size_for
from fcmae.setup.weights import Weights, loader_of, read_weights

if TYPE_CHECKING:
    from fcmae.data.source import HeldImages

    ImagesOrPaths: TypeAlias = HeldImages | Sequence[str | os.PathLike[str]]

SHOWN = 3
"""Unusable images that an error names."""


class _Estimator:
    """Parameters by name, as scikit-learn's base classes give them, where it is not installed."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The parameters by name; ``deep`` has no effect, as none of them has parameters."""
        names = list(inspect.signature(type(self).__init__).parameters)[1:]
        return {name: getattr(self, name) for name in names}

    def set_params(self, **params: Any) -> Any:
        """Sets parameters by name, and returns the transformer."""
        for name, value in params.items():
            if name not in self.get_params():
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name}: it has "
                    f"{', '.join(self.get_params())}."
                )
            setattr(self, name, value)
        return self

    def fit_transform(self, X: Any, y: Any = None) -> Any:  # noqa: N803
        """The features of the images."""
        return self.fit(X, y).transform(X)  # type: ignore[attr-defined]


if not TYPE_CHECKING:
    try:
        from sklearn.base import BaseEstimator, TransformerMixin
    except ImportError:
        pass
    else:

        class _Estimator(TransformerMixin, BaseEstimator):
            """Scikit-learn's own."""


@dataclass(frozen=True, kw_only=True)
class _Opened:
    """A model on its device, and the parameters that it was opened with."""

    parameters: dict[str, Any]
    weights: Weights
    size: tuple[int, int]
    model: nn.Module
    peers: Peers


class Features(_Estimator):
    """Feature vectors of images by trained weights, as ``fcmae embed`` writes them.

    A transformer of scikit-learn, as in
    ``make_pipeline(fcmae.Features("runs/pretrain"), LogisticRegression())``. There is nothing to
    fit. Weights are read when they are first needed, and again after pickling.

    Args:
        weights: Folder of a run, weights file, or the name of published weights.
        size: Side in pixels that images are brought to, or height and width; by default what the
            weights were made for.
        batch_size: Images at a time; the features do not depend on it.
        device: Kind of device; ``auto`` takes a GPU where there is one.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str],
        size: Size | None = None,
        batch_size: int = 64,
        device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
    ) -> None:
        self.weights = weights
        self.size = size
        self.batch_size = batch_size
        self.device = device

    def fit(self, X: "ImagesOrPaths", y: Any = None) -> "Features":  # noqa: N803
        """Reads the weights; images and labels have no effect.

        Raises:
            CheckpointError: The weights cannot be read.
            ValueError: A parameter is wrong.
        """
        self._open()
        return self

    def transform(self, X: "ImagesOrPaths") -> NDArray[np.float32]:  # noqa: N803
        """One vector per image, in the order of the images (n d).

        Args:
            X: An array n h w c (uint8, uint16, float in [0, 1]), a list or one-dimensional array of
                arrays, Pillow images and paths, or a map-style data set of images.

        Raises:
            DataError: An image cannot be used.
        """
        return self._rows(self._open(), _as_images(X))

    def _rows(self, opened: _Opened, images: Any) -> NDArray[np.float32]:
        """One vector per image; many files are read in processes of their own."""
        listed = find_images(ImageData(images))
        many_files = paths_of(images) is not None and len(listed) > self.batch_size
        loader = loader_of(opened.weights, Loader() if many_files else Loader(workers=0))
        found = batches(
            listed,
            EvaluationView(opened.size),
            loader=loader,
            channels=opened.weights.net.channels,
            batch_size=self.batch_size,
            peers=opened.peers,
            reporter=Silent(),
            what="features",
        )
        outputs = embed(opened.model, found, opened.peers)
        if outputs.unusable:
            told = "; ".join(f"{name}: {why}" for name, why in outputs.unusable[:SHOWN])
            raise DataError(
                f"{len(outputs.unusable)} of {len(listed)} images cannot be used, but each needs a "
                f"vector: leave them out. {told}."
            )
        return np.asarray(outputs.rows.numpy(), dtype=np.float32)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the columns: ``features0``, ``features1``, ..."""
        opened = self._open()
        blank = np.zeros((1, *opened.size, opened.weights.net.channels), np.uint8)
        width = self._rows(opened, blank).shape[1]
        return np.array([f"features{column}" for column in range(width)], dtype=object)

    def _open(self) -> _Opened:
        """The model, read again if a parameter is another than before."""
        parameters = self.get_params(deep=False)
        opened: _Opened | None = getattr(self, "_opened", None)
        if opened is None or opened.parameters != parameters:
            compute = Compute(device=self.device, batch_size=self.batch_size)
            weights = read_weights(os.fspath(self.weights))
            size = size_for(self.size, weights)
            model, _ = load_model(weights.header, size=size)
            peers = launch(compute, model)
            opened = _Opened(
                parameters=parameters, weights=weights, size=size, model=model, peers=peers
            )
            self._opened = opened
        return opened

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_opened"}

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.requires_fit = False
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        return tags


def _as_images(images: Any) -> Any:
    """The images of an array of arrays, of paths or of Pillow images as a list."""
    if is_path(images):
        raise DataError(f"the images are the path {images}, but must be several: give a list.")
    one_dimensional = getattr(images, "ndim", None) == 1 and hasattr(images, "tolist")
    return list(images) if one_dimensional else images
