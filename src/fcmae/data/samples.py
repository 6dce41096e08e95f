"""The data set as a loader's processes see it: keys in, one batch out."""

from itertools import groupby

import numpy as np
import torch

from fcmae.data.augment import View
from fcmae.data.batch import Batch
from fcmae.data.image import UnusableImage, open_image
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.data.order import Key
from fcmae.errors import DataError
from fcmae.randomness import bits, integer, seed_host, state_kept

ATTEMPTS = 20
"""So many unusable files in a row, drawn at random, are no accident."""


class Samples:
    """Reads images and makes views of them, each a function of (seed, epoch, index, view) alone.

    An unusable file is replaced by another image of the data set (with that image's label), drawn
    by the same rule in every run; where nothing may be replaced it is left out. Either way it is
    reported in ``Batch.unusable``.
    """

    def __init__(
        self,
        images: ImageList,
        view: View,
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
        views, labels, kept, unusable = [], [], [], list[tuple[str, str]]()
        drawn = np.asarray(bits(self.seed, "view", *np.array(keys).T))
        seeds = dict(zip(keys, drawn.tolist(), strict=True))
        with state_kept():
            for (epoch, index), group in groupby(keys, key=lambda key: key[:2]):
                read = self._read(epoch, index, unusable)
                if read is None:
                    continue
                picture, label = read
                for key in group:
                    seed_host(seeds[key])
                    views.append(self.view(picture, self.normalise).numpy())
                    labels.append(label)
                    kept.append(key)
        # NumPy stacks without waking PyTorch's threads.
        stacked = np.stack(views) if views else np.empty((0, self.channels, *self.view.size), "f4")
        columns = torch.tensor(kept, dtype=torch.int64).reshape(-1, 3)
        return Batch(
            images=torch.from_numpy(stacked),
            labels=None if self.images.labels is None else torch.tensor(labels, dtype=torch.int64),
            indices=columns[:, 1].clone(),
            repeats=columns[:, 2].clone(),
            epoch=keys[0][0],
            unusable=unusable,
        )

    def _read(
        self, epoch: int, index: int, unusable: list[tuple[str, str]]
    ) -> tuple[Picture, int | None] | None:
        chosen = index
        for attempt in range(ATTEMPTS + 1):
            if attempt:
                key = integer(self.seed, "replacement", epoch, index, attempt)
                chosen = key % len(self.images)
            try:
                return self._open(chosen), self.images.label(chosen)
            except UnusableImage as error:
                unusable.append((self.images.name(chosen), error.reason))
            if not self.replacing:
                return None
        some = "; ".join(f"{path}: {reason}" for path, reason in unusable[-3:])
        raise DataError(
            f"{ATTEMPTS} images drawn to replace an unusable one are unusable too ({some}). "
            "`fcmae check` lists all of them."
        )

    def _open(self, index: int) -> Picture:
        return open_image(
            self.images.path(index),
            channels=self.channels,
            max_pixels=self.loader.max_pixels,
            max_bytes=self.loader.max_bytes,
        )
