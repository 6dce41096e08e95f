"""Evaluates average precision, and draws detections, while a detector trains."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from fcmae.analysis.object_pictures import draw
from fcmae.data.batch import Batch
from fcmae.data.feed import evaluation_batches
from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.objects.views import Fit, to_look_at
from fcmae.data.options import Loader
from fcmae.engine.folder import PRECISION
from fcmae.evaluation.coco import CocoScores
from fcmae.evaluation.detect import IndexedDetections, detect, judge
from fcmae.evaluation.tiled import Tiler, through_windows
from fcmae.files.durable import write_text
from fcmae.model.detector import Detector
from fcmae.model.tiling import Tiling
from fcmae.process_group import Peers
from fcmae.task import Evaluation

DRAWN = 4
"""Validation images of which there is a picture."""

SHOWN_SCORE = 0.5
"""Objects of a lower score are not in the pictures."""


class AveragePrecision(Evaluation):
    """COCO's average precision on the validation images, and a picture of the first few.

    Args:
        images: The images with their objects.
        within: Height and width that they are fitted into.
        loader: Reading of files.
        tiling: Windows to look through instead, where there are any.
        every: Epochs between two evaluations.
    """

    name = "val"

    def __init__(
        self,
        images: ImageList,
        within: tuple[int, int],
        loader: Loader,
        *,
        tiling: Tiling | None,
        every: int,
    ) -> None:
        self.images, self.within, self.loader = images, within, loader
        self.tiling, self.every = tiling, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """Average precision of boxes and, where there are any, of masks."""
        assert isinstance(model, Detector)
        unusable: list[tuple[str, str]] = []
        found = self._found(model, peers, unusable)
        drawn = self._drawing(found, folder, model.encoder.architecture.channels)
        result = judge(drawn, self.images, peers, unusable=unusable)
        self.unusable = result.unusable
        if peers.leads:
            text = json.dumps(summary(result.scores, result.images), indent=1)
            write_text(folder.parent / PRECISION, text + "\n")
        return numbers(result.scores)

    def _found(
        self, model: Detector, peers: Peers, unusable: list[tuple[str, str]]
    ) -> IndexedDetections:
        """Detections in this rank's share of the images."""
        if self.tiling is not None:
            tiler = Tiler(model=model, tiling=self.tiling, peers=peers)
            return through_windows(tiler, self.images, self.loader, unusable=unusable)
        batches = fitted(self.images, self.within, model, self.loader, peers)
        return detect(model, batches, peers, unusable=unusable)

    def _drawing(self, found: IndexedDetections, folder: Path, channels: int) -> IndexedDetections:
        """Pass on what was found, drawing it for the first images."""
        for index, detections in found:
            if index < DRAWN:
                # It was decoded a moment ago; a file that is gone by now is not worth a run.
                with suppress(UnusableImage):
                    draw(
                        self.images,
                        index,
                        detections.above(SHOWN_SCORE),
                        list(self.images.classes or ()),
                        folder / f"detections-{index}.png",
                        channels=channels,
                        loader=self.loader,
                    )
            yield index, detections


def fitted(
    images: ImageList, within: tuple[int, int], model: Detector, loader: Loader, peers: Peers
) -> Iterator[Batch]:
    """A process's share of the images, one by one, so that none is padded to another's size."""
    architecture = model.encoder.architecture
    return evaluation_batches(
        to_look_at(images),
        Fit(within, architecture.stride),
        loader=loader,
        channels=architecture.channels,
        batch_size=1,
        rank=peers.rank,
        world=peers.size,
    )


def summary(scores: CocoScores, images: int) -> dict[str, Any]:
    """Result as JSON."""
    return {
        "images": images,
        "boxes": asdict(scores.boxes),
        "masks": None if scores.masks is None else asdict(scores.masks),
        "per_class": [asdict(row) for row in scores.per_class],
    }


def numbers(scores: CocoScores) -> dict[str, float]:
    """The main numbers by name, those left out of which there is no object."""
    kinds = {"box": scores.boxes} | ({} if scores.masks is None else {"mask": scores.masks})
    return {
        f"{kind}_{name}": value
        for kind, precision in kinds.items()
        for name in ("ap", "ap50", "ap75")
        if (value := getattr(precision, name)) is not None
    }
