"""What is measured and drawn while a run trains."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from fcmae.analysis.feature_distance import feature_distance
from fcmae.analysis.pictures import confusion_matrix, distance_curves
from fcmae.analysis.reconstructions import reconstruction_grid
from fcmae.data.augment import Evaluation as Centre
from fcmae.data.batch import Batch
from fcmae.data.feed import evaluation_batches
from fcmae.data.image_list import ImageList
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.engine.folder import ACCURACY
from fcmae.evaluation.classify import classify
from fcmae.evaluation.embed import embed
from fcmae.evaluation.neighbours import neighbours
from fcmae.files.durable import write_text
from fcmae.model.autoencoder import Autoencoder, Pictures
from fcmae.model.classifier import Classifier
from fcmae.model.contraster import Contraster
from fcmae.model.timm_net import TimmClassifier
from fcmae.peers import Peers
from fcmae.randomness import permutation
from fcmae.task import Evaluation
from fcmae.tasks.reconstruct import visible_patches


@dataclass(frozen=True, kw_only=True)
class Viewing:
    """How monitors look at images: the centre, without augmentation."""

    size: tuple[int, int]
    loader: Loader
    channels: int
    batch_size: int

    def batches(
        self, images: ImageList, peers: Peers | None = None, *, or_none: bool = False
    ) -> Iterator[Batch]:
        """A process's share of the images; all of them without peers."""
        peers = peers or Peers()
        return evaluation_batches(
            images,
            Centre(self.size),
            loader=self.loader,
            channels=self.channels,
            batch_size=self.batch_size,
            rank=peers.rank,
            world=peers.size,
            or_none=or_none,
        )


class Reconstructions(Evaluation):
    """Draws what the model makes of the same few images, under the same masks each time."""

    name = "reconstructions"

    def __init__(self, images: ImageList, viewing: Viewing, *, every: int, seed: int) -> None:
        self.images, self.viewing, self.every, self.seed = images, viewing, every, seed

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """One picture; its loss is comparable from epoch to epoch."""
        assert isinstance(model, Autoencoder)
        batches = list(self.viewing.batches(self.images, or_none=True))
        self.unusable = [file for batch in batches for file in batch.unusable]
        usable = [batch for batch in batches if len(batch)]
        if not usable:
            return {}
        path = folder / f"reconstructions-{epoch:04}.png"
        loss = draw_reconstructions(model, self.viewing, usable, path, peers=peers, seed=self.seed)
        return {"loss": loss}


def draw_reconstructions(
    model: Autoencoder,
    viewing: Viewing,
    batches: Iterable[Batch],
    path: Path,
    *,
    peers: Peers,
    seed: int,
) -> float:
    """Draw input, masked input and reconstruction of every image; give back the mean loss."""
    losses: list[float] = []
    drawn: list[list[torch.Tensor]] = []
    for batch in batches:
        images = batch.images.to(peers.device)
        visible = visible_patches(model.mask, model.patch, batch, seed=seed).to(peers.device)
        with torch.no_grad(), peers.autocast():
            losses += [float(model(images, visible).loss)] * len(batch)
            made = model.pictures(images, visible)
        drawn.append([x.float().cpu() for x in (images, made.masked, made.reconstruction)])
    if peers.leads:
        images, masked, reconstruction = (torch.cat(column) for column in zip(*drawn, strict=True))
        pictures = Pictures(masked=masked, reconstruction=reconstruction)
        shift = Normalisation.of(viewing.loader, viewing.channels)
        reconstruction_grid(images, pictures, shift, path)
    return sum(losses) / len(losses)


class FeatureDistance(Evaluation):
    """Watches for collapse: how different the channels of each block are."""

    name = "feature_distance"

    def __init__(self, images: ImageList, viewing: Viewing, *, every: int) -> None:
        self.images, self.viewing, self.every = images, viewing, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """The distance in each block, and its smallest and mean value; nothing without images."""
        assert isinstance(model, Autoencoder | Contraster)
        batches = self.viewing.batches(self.images, peers, or_none=True)
        found = feature_distance(model.encoder, batches, peers)
        self.unusable, distances = found.unusable, found.of_blocks
        if not distances:
            return {}
        if peers.leads:
            curves = _with_earlier(folder / "feature_distance.json", epoch, distances)
            distance_curves(curves, folder / "feature_distance.png")
        blocks = {f"block_{number:02}": value for number, value in enumerate(distances)}
        return {"mean": float(np.mean(distances)), "min": min(distances), **blocks}


def _with_earlier(path: Path, epoch: int, values: list[float]) -> dict[int, list[float]]:
    """The values of this epoch and of those before, kept in a file so that a run may be resumed."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept = {int(name): earlier for name, earlier in found.items() if int(name) < epoch}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({**kept, epoch: values}) + "\n")
    return {**kept, epoch: values}


class Neighbours(Evaluation):
    """Accuracy of nearest neighbours on the features so far."""

    name = "neighbours"

    def __init__(self, train: ImageList, test: ImageList, viewing: Viewing, *, every: int) -> None:
        self.train, self.test, self.viewing, self.every = train, test, viewing, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """The share of test images whose class the nearest training images name."""
        train, test = (
            embed(model, self.viewing.batches(images, peers), peers)
            for images in (self.train, self.test)
        )
        self.unusable = [*train.unusable, *test.unusable]
        found = neighbours(train, test, self.train.classes or (), device=peers.device)
        return {"top1": found.top1}


class Accuracy(Evaluation):
    """Accuracy on the validation images, and the confusion matrix as a picture."""

    name = "val"

    def __init__(self, images: ImageList, viewing: Viewing, *, every: int) -> None:
        self.images, self.viewing, self.every = images, viewing, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """Top-1 and, for more than five classes, top-5."""
        assert isinstance(model, (Classifier, TimmClassifier))
        classes = list(self.images.classes or ())
        result = classify(model, self.viewing.batches(self.images, peers), classes, peers)
        self.unusable = result.unusable
        if peers.leads:
            confusion_matrix(result.confusion, classes, folder / "confusion.png")
            write_text(folder.parent / ACCURACY, json.dumps(result.summary(), indent=1) + "\n")
        top5 = {} if result.top5 is None else {"top5": result.top5}
        return {"top1": result.top1, **top5}


def some(images: ImageList, number: int, seed: int) -> ImageList:
    """So many images, drawn by the seed."""
    order = permutation(seed, "monitor", length=len(images))
    return images.subset(np.sort(order[:number]))
