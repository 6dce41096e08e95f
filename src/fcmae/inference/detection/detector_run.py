"""A trained detector over images, fitted or by windows: the wiring that two commands share."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from fcmae.checkpoint.weights import load_model
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine.report import Reporter
from fcmae.evaluation.detect import Found, detect
from fcmae.evaluation.options import Tiling
from fcmae.evaluation.tiled import Tiler, through_windows, unwatched
from fcmae.inference.models import launch
from fcmae.model.detector import Detector
from fcmae.model.options import Suppression
from fcmae.options.compute import Compute
from fcmae.options.size import Size, sides, size_or
from fcmae.peers import Peers
from fcmae.setup.weights import Weights, loader_of
from fcmae.tasks.evaluations.precision import fitted


@runtime_checkable
class Options(Protocol):
    """The options that looking for objects needs."""

    @property
    def size(self) -> Size | None:
        """What images are fitted into; None for what the weights were made for."""

    @property
    def suppression(self) -> Suppression:
        """Which of overlapping boxes remain."""

    @property
    def loader(self) -> Loader:
        """Reading of files."""

    @property
    def run(self) -> Compute:
        """Device, precision, windows at once."""


@dataclass(frozen=True, kw_only=True)
class DetectorRun:
    """A detector on its device, and the images to show it.

    Attributes:
        model: The detector.
        images: All images.
        options: How to look.
        within: Height and width that images are fitted into.
        tiling: Windows to look through instead, where there are any.
        loader: Reading of files, with the model's normalisation.
        peers: The processes.
        reporter: Shows the progress.
        unusable: (path, reason) of the files that this process had to leave out so far.
    """

    model: Detector
    images: ImageList
    options: Options
    within: tuple[int, int]
    tiling: Tiling | None
    loader: Loader
    peers: Peers
    reporter: Reporter
    unusable: list[tuple[str, str]] = field(default_factory=list)

    def found(self) -> Found:
        """What is found in each image of this process's share, under a progress bar."""
        return self._fitted() if self.tiling is None else self._by_windows(self.tiling)

    def _fitted(self) -> Found:
        batches = fitted(self.images, self.within, self.model, self.loader, self.peers)
        if self.peers.leads:
            share = -(-len(self.images) // self.peers.size)
            batches = self.reporter.track(batches, "detecting", total=share)
        return detect(self.model, batches, self.peers, unusable=self.unusable)

    def _by_windows(self, tiling: Tiling) -> Found:
        tiler = Tiler(
            model=self.model,
            tiling=tiling,
            batch_size=self.options.run.batch_size,
            peers=self.peers,
        )
        watch = self._watch if self.peers.leads else unwatched
        return through_windows(tiler, self.images, self.loader, unusable=self.unusable, watch=watch)

    def _watch(self, name: str, total: int) -> AbstractContextManager[Callable[[int], object]]:
        return self.reporter.counting(f"windows of {name}", total)


def open_detector(
    options: Options,
    weights: Weights,
    images: ImageList,
    tiling: Tiling | None,
    reporter: Reporter,
) -> DetectorRun:
    """The detector of a weights file on its device, ready to look at images."""
    model, _ = load_model(weights.header)
    assert isinstance(model, Detector)
    model.suppress(options.suppression)
    return DetectorRun(
        model=model,
        images=images,
        options=options,
        within=sides(size_or(options.size, weights.size)),
        tiling=tiling,
        loader=loader_of(weights, options.loader),
        peers=launch(options.run, model),
        reporter=reporter,
    )
