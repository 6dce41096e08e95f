"""Input of all analyses: one or two networks, images, and the results of one pass over them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from fcmae.analysis.blocks import BlockPlace
from fcmae.analysis.inside import Inside
from fcmae.analysis.options import MapOptions
from fcmae.analysis.reconstructions import as_shown
from fcmae.data.image_list import ImageList
from fcmae.data.normalisation import Normalisation
from fcmae.errors import DataError
from fcmae.evaluation.viewing import Viewing
from fcmae.files.tables import TableColumns
from fcmae.process_group import Peers
from fcmae.randomness import permutation
from fcmae.types import Images, Labels


@dataclass(frozen=True, kw_only=True)
class AnalysisFinding:
    """Result of an analysis, before it is written.

    Attributes:
        name: Stem of its files.
        title: What it is.
        alt: What the picture shows, for a reader who cannot see it.
        summary: The numbers to remember.
        numbers: All numbers, as a table.
        draw: Draws the picture into a file; None where there is nothing to draw.
    """

    name: str
    title: str
    alt: str
    summary: dict[str, float | int | str]
    numbers: TableColumns
    draw: Callable[[Path], Path] | None


@dataclass(frozen=True, kw_only=True)
class AnalysedNet:
    """A net, and what it did with the images.

    Attributes:
        name: What it is called in pictures.
        classes: Names of its classes, where it is a classifier that knows them.
        viewing: How images are shown to it.
        model: A classifier, or an encoder.
        inside: What one pass over the images found.
    """

    name: str
    classes: Sequence[str] | None
    viewing: Viewing
    model: nn.Module
    inside: Inside

    @property
    def stages(self) -> list[int]:
        """The stage of each block."""
        return [place.stage for place in self.inside.places]


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Input of all analyses.

    Attributes:
        nets: The net, and perhaps one to compare it with.
        images: Those that were looked at, with the ones that could not be used.
        peers: The processes that share the work.
        seed: Draws images and channels.
        rows: Images on a sheet of neighbours or of Grad-CAM, and classes on one of mistakes.
        k: Neighbours to show of each image.
        maps: The activation maps to draw.
    """

    nets: list[AnalysedNet]
    images: ImageList
    peers: Peers
    seed: int
    rows: int
    k: int
    maps: MapOptions

    @property
    def net(self) -> AnalysedNet:
        """The one that this is about."""
        return self.nets[0]

    @property
    def labels(self) -> Labels | None:
        """The class of each image that could be used."""
        return self.net.inside.images.labels

    @property
    def classes(self) -> list[str]:
        """Names of the classes."""
        return list(self.images.classes or ())

    def paths(self, rows: Sequence[int]) -> list[str]:
        """The paths of images as they are shown to people."""
        indices = self.net.inside.images.indices[list(rows)].tolist()
        return [self.images.name(index) for index in indices]

    def names(self, rows: Sequence[int]) -> list[str]:
        """The classes of images; nothing where there are none."""
        if self.labels is None:
            return [""] * len(rows)
        return [self.classes[label] for label in self.labels[list(rows)].tolist()]

    def normalised(self, rows: Sequence[int]) -> Images:
        """Images as the net sees them."""
        indices = self.net.inside.images.indices[list(rows)].numpy()
        return look_at(self.images.subset(indices), self.net.viewing, self.peers)

    def shown(self, rows: Sequence[int]) -> Float[Tensor, "n rows columns colours"]:
        """Images as people see them."""
        return self.as_shown(self.normalised(rows))

    def as_shown(self, images: Images) -> Float[Tensor, "n rows columns colours"]:
        """Normalised images as people see them."""
        viewing = self.net.viewing
        return as_shown(images, Normalisation.of(viewing.loader, viewing.channels))

    def drawn(self, number: int) -> list[int]:
        """Draws rows by the seed."""
        length = len(self.net.inside.images.indices)
        order = permutation(self.seed, "sheet", length=length)
        return [int(row) for row in order[:number]]


def look_at(images: ImageList, viewing: Viewing, peers: Peers) -> Images:
    """A few images in the order of the list, on this process's device."""
    loader = replace(viewing.loader, workers=0)  # for a few images, no process is started
    few = replace(viewing, loader=loader, batch_size=len(images))
    batches = [batch.images for batch in few.batches(images)]
    return torch.cat(batches).to(peers.device)


def spread(images: ImageList, number: int, seed: int) -> ImageList:
    """Draws images by the seed; of labelled ones, all classes give one in turn."""
    order = permutation(seed, "analyze", length=len(images))
    if images.labels is not None:
        order = order[np.argsort(_turns(images.labels[order]), kind="stable")]
    return images.subset(np.sort(order[:number]))


def _turns(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Number of images of the same class that come before each one."""
    turns = np.empty(len(labels), dtype=np.int64)
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        turns[members] = np.arange(len(members))
    return turns


def needs_labels(subject: Subject, least: int) -> Labels:
    """The labels, if there are at least so many classes.

    Raises:
        DataError: There are not; the message is the reason for leaving the analysis out.
    """
    if subject.labels is None:
        raise DataError("the images have no classes: it needs one folder per class.")
    if len(set(subject.labels.tolist())) < least:
        raise DataError(f"the images are of one class, but it compares at least {least}.")
    return subject.labels


def columns_of_places(places: Sequence[BlockPlace]) -> dict[str, Any]:
    """The first columns of a table with a row per block."""
    return {
        "stage": np.array([place.stage for place in places]),
        "block": np.array([place.number for place in places]),
    }
