"""A trained detector over images, fitted or by windows."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from fcmae.checkpoint.weights import load_model
from fcmae.data.image_list import ImageList
from fcmae.engine.report import Reporter
from fcmae.evaluation.detect import IndexedDetections, detect
from fcmae.evaluation.tiled import Tiler, through_windows, unwatched
from fcmae.inference.detection.options import DetectOptions
from fcmae.inference.models import launch
from fcmae.inference.prologue import TrainedModel
from fcmae.model.detector import Detector
from fcmae.model.tiling import Tiling
from fcmae.process_group import Peers
from fcmae.tasks.evaluations.precision import fitted


@dataclass(frozen=True, kw_only=True)
class DetectorRun:
    """A detector on its device, and the images to show it.

    Attributes:
        model: The detector.
        trained: Its weights, and the size and reading of images.
        images: All images.
        tiling: Windows to look through; None where images are fitted.
        batch_size: Windows at a time.
        peers: The processes.
        reporter: Told of the progress.
        unusable: (path, reason) of the files that this process had to leave out so far.
    """

    model: Detector
    trained: TrainedModel
    images: ImageList
    tiling: Tiling | None
    batch_size: int
    peers: Peers
    reporter: Reporter
    unusable: list[tuple[str, str]] = field(default_factory=list)

    def found(self) -> IndexedDetections:
        """The objects in each image of this process's share, with its progress."""
        return self._fitted() if self.tiling is None else self._by_windows(self.tiling)

    def _fitted(self) -> IndexedDetections:
        size, loader = self.trained.size, self.trained.loader
        batches = fitted(self.images, size, self.model, loader, self.peers)
        if self.peers.leads:
            share = -(-len(self.images) // self.peers.size)
            batches = self.reporter.track(batches, "detecting", total=share)
        return detect(self.model, batches, self.peers, unusable=self.unusable)

    def _by_windows(self, tiling: Tiling) -> IndexedDetections:
        tiler = Tiler(model=self.model, tiling=tiling, batch_size=self.batch_size, peers=self.peers)
        watch = self._watch if self.peers.leads else unwatched
        loader = self.trained.loader
        return through_windows(tiler, self.images, loader, unusable=self.unusable, watch=watch)

    def _watch(self, name: str, total: int) -> AbstractContextManager[Callable[[int], object]]:
        return self.reporter.counting(f"windows of {name}", total)


def open_detector(
    options: DetectOptions,
    trained: TrainedModel,
    images: ImageList,
    tiling: Tiling | None,
    reporter: Reporter,
) -> DetectorRun:
    """The detector on its device, ready to look at images."""
    model, _ = load_model(trained.weights.header)
    assert isinstance(model, Detector)
    model.suppress(options.suppression)
    return DetectorRun(
        model=model,
        trained=trained,
        images=images,
        tiling=tiling,
        batch_size=options.run.batch_size,
        peers=launch(options.run, model),
        reporter=reporter,
    )
