"""Evaluates a segmenter while it trains."""

import json
from pathlib import Path

from torch import nn

from fcmae.analysis.label_pictures import draw_classes
from fcmae.analysis.pictures import confusion_matrix
from fcmae.analysis.reconstructions import as_shown
from fcmae.data.feed import evaluation_batches
from fcmae.data.image_list import ImageList
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.data.scene import AsItIs
from fcmae.engine.folder import ACCURACY
from fcmae.evaluation.options import Scan
from fcmae.evaluation.pixels import segment
from fcmae.evaluation.scan import Scanner
from fcmae.evaluation.viewing import sample
from fcmae.files.durable import write_text
from fcmae.model.segmenter import Segmenter
from fcmae.process_group import Peers
from fcmae.task import Evaluation

PICTURES = 4
"""Validation images that are drawn with their classes after each validation."""


class Pixels(Evaluation):
    """Intersection over union on the validation images, and a few of them drawn."""

    name = "val"

    def __init__(
        self,
        images: ImageList,
        scan: Scan,
        tile: tuple[int, int],
        *,
        loader: Loader,
        channels: int,
        every: int,
        seed: int,
    ) -> None:
        self.images, self.scan, self.tile = images, scan, tile
        self.loader, self.channels, self.every, self.seed = loader, channels, every, seed

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """Mean intersection over union, mean and pixel accuracy."""
        assert isinstance(model, Segmenter)
        classes = list(self.images.classes or ())
        scanner = Scanner(model=model, how=self.scan, tile=self.tile, peers=peers)
        mine = evaluation_batches(
            self.images,
            AsItIs(),
            loader=self.loader,
            channels=self.channels,
            batch_size=1,
            rank=peers.rank,
            world=peers.size,
        )
        result = segment(scanner, mine, classes)
        self.unusable = result.unusable
        if peers.leads:
            confusion_matrix(result.confusion, classes, folder / "confusion.png")
            write_text(folder.parent / ACCURACY, json.dumps(result.summary(), indent=1) + "\n")
            self._draw(scanner, classes, folder, epoch)
        return {
            "miou": result.miou,
            "mean_accuracy": result.mean_accuracy,
            "pixel_accuracy": result.pixel_accuracy,
        }

    def _draw(self, scanner: Scanner, classes: list[str], folder: Path, epoch: int) -> None:
        """A picture of each of a few images that can be read; there may be none."""
        few = sample(self.images, PICTURES, self.seed)
        shift = Normalisation.of(self.loader, self.channels)
        for batch in evaluation_batches(
            few, AsItIs(), loader=self.loader, channels=self.channels, batch_size=1, or_none=True
        ):
            if not len(batch):
                continue  # all there is, where none of the few can be read
            called = scanner.classes(batch.images.to(scanner.peers.device))
            path = folder / f"classes-{epoch:04}-{int(batch.indices[0])}.png"
            draw_classes(as_shown(batch.images, shift)[0].numpy(), called, classes, path)
