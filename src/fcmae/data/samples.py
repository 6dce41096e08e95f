"""The data set as a loader's processes see it: keys in, one batch out."""

from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from fcmae.data.annotations import Annotation
from fcmae.data.augment import View
from fcmae.data.batch import Batch
from fcmae.data.image import UnusableImage, open_image
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.data.order import Key
from fcmae.data.scene import SceneView
from fcmae.data.targets import Target, Targets
from fcmae.errors import DataError
from fcmae.randomness import bits, integer, seed_host, state_kept

ATTEMPTS = 20
"""So many unusable files in a row, drawn at random, are no accident."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An image and all that is known about it."""

    picture: Picture
    label: int | None
    annotation: Annotation | None


class Samples:
    """Reads images and makes views of them, each a function of (seed, epoch, index, view) alone.

    An unusable file is replaced by another image of the data set (with that image's label), drawn
    by the same rule in every run; where nothing may be replaced it is left out. Either way it is
    reported in ``Batch.unusable``.
    """

    def __init__(
        self,
        images: ImageList,
        view: View | SceneView,
        *,
        seed: int,
        loader: Loader,
        channels: int,
        replacing: bool,
    ) -> None:
        self.images, self.view = images, view
        self.seed, self.loader, self.channels = seed, loader, channels
        self.replacing = replacing
        self.normalise = Normalisation.of(loader, channels)

    def __getitem__(self, key: Key) -> Batch | DataError:
        return self.__getitems__([key])

    def __getitems__(self, keys: list[Key]) -> Batch | DataError:
        """One batch, or the error that ends the run.

        The error is given back, not raised, because PyTorch would bury it in a worker's traceback.
        """
        try:
            return self._batch(keys)
        except DataError as error:
            return error

    def _batch(self, keys: list[Key]) -> Batch:
        views, labels, targets, kept = [], [], list[Target](), []
        unusable = list[tuple[str, str]]()
        drawn = np.asarray(bits(self.seed, "view", *np.array(keys).T))
        seeds = dict(zip(keys, drawn.tolist(), strict=True))
        with state_kept():
            for (epoch, index), group in groupby(keys, key=lambda key: key[:2]):
                sample = self._read(epoch, index, unusable)
                if sample is None:
                    continue
                for key in group:
                    seed_host(seeds[key])
                    view, target = self._view(sample)
                    views.append(view.numpy())
                    targets.append(target)
                    labels.append(sample.label)
                    kept.append(key)
        # NumPy stacks without waking PyTorch's threads.
        size = self.view.size or (0, 0)
        stacked = np.stack(views) if views else np.empty((0, self.channels, *size), "f4")
        columns = torch.tensor(kept, dtype=torch.int64).reshape(-1, 3)
        return Batch(
            images=torch.from_numpy(stacked),
            labels=None if self.images.labels is None else torch.tensor(labels, dtype=torch.int64),
            targets=None if self.images.annotations is None else Targets.of(targets),
            indices=columns[:, 1].clone(),
            repeats=columns[:, 2].clone(),
            epoch=keys[0][0],
            unusable=unusable,
        )

    def _read(self, epoch: int, index: int, unusable: list[tuple[str, str]]) -> Sample | None:
        chosen = index
        for attempt in range(ATTEMPTS + 1):
            if attempt:
                key = integer(self.seed, "replacement", epoch, index, attempt)
                chosen = key % len(self.images)
            try:
                return self._open(chosen)
            except UnusableImage as error:
                unusable.append((self.images.name(chosen), error.reason))
            if not self.replacing:
                return None
        some = "; ".join(f"{path}: {reason}" for path, reason in unusable[-3:])
        raise DataError(
            f"{ATTEMPTS} images drawn to replace an unusable one are unusable too ({some}). "
            "`fcmae check` lists all of them."
        )

    def _open(self, index: int) -> Sample:
        picture = open_image(
            self.images.path(index),
            channels=self.channels,
            max_pixels=self.loader.max_pixels,
            max_bytes=self.loader.max_bytes,
        )
        annotations = self.images.annotations
        size = (picture.shape[0], picture.shape[1])
        return Sample(
            picture=picture,
            label=self.images.label(index),
            annotation=None if annotations is None else annotations.read(index, size),
        )

    def _view(self, sample: Sample) -> tuple[Tensor, Target]:
        annotation = sample.annotation or {}
        if isinstance(self.view, SceneView):
            return self.view(sample.picture, annotation, self.normalise)
        target = {name: torch.tensor(values) for name, values in annotation.items()}
        return self.view(sample.picture, self.normalise), target
