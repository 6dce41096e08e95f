"""The data set as a loader's processes see it: keys in, one batch out."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fcmae.data.annotations import Annotation
from fcmae.data.augment import View
from fcmae.data.batch import Batch
from fcmae.data.cut import cut, exact
from fcmae.data.decoded import Decoded
from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.data.order import Key
from fcmae.data.region import Region
from fcmae.data.scene import SceneView
from fcmae.data.targets import Targets, ViewTarget
from fcmae.errors import DataError
from fcmae.randomness import bits, integer, seed_host, state_kept

ATTEMPTS = 20
"""So many unusable files in a row, drawn at random, are no accident."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """An image and all that is known about it.

    Attributes:
        picture: The whole of it, or what was decoded of it for the regions.
        regions: What each view shows; none for a ``SceneView``, which takes the whole.
        label: Index of its class.
        annotation: Its other labels.
    """

    picture: Picture | Decoded
    regions: Sequence[Region]
    label: int | None
    annotation: Annotation


class Seeds(NamedTuple):
    """Of one view: for what it shows, and for what is done to that."""

    view: int
    finish: int


class Samples:
    """Reads images and makes views of them, each a function of (seed, epoch, index, view) alone.

    All views of an image in an epoch have a say in how it is decoded, also those that another batch
    or process shows, so that none depends on how they are shared out.

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
        repeats: int = 1,
    ) -> None:
        self.images, self.view, self.repeats = images, view, repeats
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
        views, labels, targets, kept = list[Tensor](), [], list[ViewTarget](), list[Key]()
        unusable = list[tuple[str, str]]()
        seeds = self._seeds(keys)
        room = torch.empty(len(keys), self.channels, *(self.view.size or (0, 0)))
        with state_kept():
            for image, group in groupby(keys, key=lambda key: key[:2]):
                sample = self._read(image, seeds[image], unusable)
                if sample is None:
                    continue
                for key in group:
                    view, target = self._view(sample, key[2], seeds[image], room[len(kept)])
                    views.append(view)
                    targets.append(target)
                    labels.append(sample.label)
                    kept.append(key)
        images = room[: len(views)] if isinstance(self.view, View) else _stacked(views, room)
        missing = self._missing(images)
        columns = torch.tensor(kept, dtype=torch.int64).reshape(-1, 3)
        return Batch(
            images=images,
            missing=missing,
            labels=None if self.images.labels is None else torch.tensor(labels, dtype=torch.int64),
            targets=None if self.images.annotations is None else Targets.of(targets),
            indices=columns[:, 1].clone(),
            repeats=columns[:, 2].clone(),
            epoch=keys[0][0],
            unusable=unusable,
        )

    def _missing(self, images: Tensor) -> Tensor | None:
        """Where pixels are missing, if anybody asks; they become 0, the mean."""
        if not (isinstance(self.view, View) and self.view.keeps_missing):
            return None
        pixels = images.numpy()
        if not np.isnan(pixels.sum()):
            return None
        missing = np.isnan(pixels)
        pixels[missing] = 0
        return torch.from_numpy(missing)

    def _seeds(self, keys: list[Key]) -> dict[tuple[int, int], list[Seeds]]:
        """For each image of the batch, those of all of its views in this epoch."""
        images = list(dict.fromkeys(key[:2] for key in keys))
        epochs, indices = np.array(images).T[..., None]
        places = epochs, indices, np.arange(self.repeats)
        drawn = [np.asarray(bits(self.seed, name, *places)).tolist() for name in Seeds._fields]
        return {
            image: [Seeds(*pair) for pair in zip(*of_image, strict=True)]
            for image, *of_image in zip(images, *drawn, strict=True)
        }

    def _read(
        self, image: tuple[int, int], seeds: list[Seeds], unusable: list[tuple[str, str]]
    ) -> Sample | None:
        for attempt in range(ATTEMPTS + 1):
            chosen = self.candidate(image, attempt)
            try:
                if self.images.store.draws:
                    seed_host(integer(self.seed, "item", image[0], chosen))
                return self._open(chosen, seeds)
            except UnusableImage as error:
                unusable.append((self.images.name(chosen), error.reason))
            if not self.replacing:
                return None
        some = "; ".join(f"{path}: {reason}" for path, reason in unusable[-3:])
        raise DataError(
            f"{ATTEMPTS} images drawn to replace an unusable one are unusable too ({some}). "
            "`fcmae check` lists all of them."
        )

    def candidate(self, image: tuple[int, int], attempt: int) -> int:
        """Index of an image that is shown for (epoch, index) where earlier ones cannot be used."""
        if attempt == 0:
            return image[1]
        return integer(self.seed, "replacement", *image, attempt) % len(self.images)

    def _open(self, index: int, seeds: list[Seeds]) -> Sample:
        picture: Picture | Decoded
        regions: Sequence[Region] = ()
        store, how = self.images.store, self.loader.reading
        if (
            isinstance(self.view, View)
            and self.view.approximate
            and self.loader.decode == "fitting"
        ):
            aim = partial(_aim, self.view, seeds)
            picture = store.open_for(aim, index, channels=self.channels, how=how)
            size, regions = (picture.height, picture.width), picture.regions
        else:
            picture = store.open(index, channels=self.channels, how=how)
            size = (picture.shape[0], picture.shape[1])
            if isinstance(self.view, View):
                regions = _aim(self.view, seeds, *size)
        annotations = self.images.annotations
        return Sample(
            picture=picture,
            regions=regions,
            label=self.images.label(index),
            annotation={} if annotations is None else annotations.read(index, size),
        )

    def _view(
        self, sample: Sample, number: int, seeds: list[Seeds], room: Tensor
    ) -> tuple[Tensor, ViewTarget]:
        """One view and its labels; the view in the room made for it, where its size is known."""
        picture = sample.picture
        if isinstance(self.view, SceneView):
            seed_host(seeds[number].view)
            assert not isinstance(picture, Decoded)
            return self.view(picture, sample.annotation, self.normalise)
        region = sample.regions[number]
        crop = cut(picture, region) if isinstance(picture, Decoded) else exact(picture, region)
        seed_host(seeds[number].finish)
        self.view.numbered(number).finish(crop, self.normalise, room)
        return room, {name: torch.tensor(values) for name, values in sample.annotation.items()}


def _aim(view: View, seeds: list[Seeds], height: int, width: int) -> list[Region]:
    regions = []
    for number, of_view in enumerate(seeds):
        seed_host(of_view.view)
        regions.append(view.numbered(number).aim(height, width))
    return regions


def _stacked(views: list[Tensor], room: Tensor) -> Tensor:
    # NumPy stacks without waking PyTorch's threads.
    return torch.from_numpy(np.stack([view.numpy() for view in views])) if views else room[:0]
