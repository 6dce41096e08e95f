"""Training a segmenter: the rooms wired together."""

import json
from pathlib import Path
from typing import Any

from torch import nn

from fcmae.analysis.label_pictures import draw_classes
from fcmae.analysis.pictures import confusion_matrix
from fcmae.analysis.reconstructions import as_shown
from fcmae.cli.segment.finetune import FinetunedSegmenter, FinetuneSegment
from fcmae.cli.shared.console import Console
from fcmae.cli.shared.left_open import Start
from fcmae.cli.shared.monitors import some
from fcmae.cli.shared.starting import same_classes, start_from
from fcmae.cli.shared.training import fit_with, last_measured
from fcmae.data.feed import Feed, evaluation_batches
from fcmae.data.image_list import ImageList
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import LabelMapOptions, Loader
from fcmae.data.scene import AsItIs
from fcmae.data.segments.layout import layout_of
from fcmae.data.segments.views import SegmentationCrop
from fcmae.engine.folder import ACCURACY, RunFolder
from fcmae.engine.loop import Outcome
from fcmae.evaluation.options import Scan
from fcmae.evaluation.pixels import segment
from fcmae.evaluation.scan import Scanner
from fcmae.files.durable import write_text
from fcmae.model.options import Architecture
from fcmae.model.segmenter import Segmenter
from fcmae.options.size import sides
from fcmae.peers import Peers
from fcmae.randomness import seed_everything
from fcmae.setup.weights import Weights, card, loader_of
from fcmae.task import Evaluation
from fcmae.tasks.segment import Segment

PICTURES = 4
"""Validation images that are drawn with their classes after each validation."""


def train(
    options: FinetuneSegment,
    architecture: Architecture,
    weights: Weights | None,
    images: tuple[ImageList, ImageList],
    console: Console,
) -> FinetunedSegmenter:
    """Files, crops, model, loss, validation, and the loop around them."""
    training, validation = images
    classes = training.classes or ()
    loader = options.loader if weights is None else loader_of(weights, options.loader)
    channels, size = architecture.channels, sides(options.size)
    model = segmenter(options, architecture, weights, classes, console)
    outcome = fit_with(
        options,
        Segment(
            model,
            auxiliary_weight=options.auxiliary_weight,
            freeze_stages=options.freeze_stages,
        ),
        Feed(
            training,
            SegmentationCrop(size, options.augment),
            seed=options.run.seed,
            loader=loader,
            channels=channels,
            repeats=options.repeats,
        ),
        evaluations=[
            Pixels(
                validation,
                options.scan.after(options.augment.shorter(size)),
                size,
                loader=loader,
                channels=channels,
                every=options.every,
                seed=options.run.seed,
            )
        ],
        start=Start(net=architecture, weights=weights, data=_decided(options)),
        card={
            **card(size=size, loader=loader, channels=channels, classes=classes, weights=weights),
            **_habits(options),
        },
        console=console,
        best="val/miou",
    )
    return _told(options, outcome, len(training))


def _decided(options: FinetuneSegment) -> dict[str, Any]:
    """What numbers mean where no option tells."""
    layout = layout_of(options.data, LabelMapOptions())
    return {
        "labels.ignore_index": layout.ignore_index,
        "labels.reduce_zero_label": layout.reduce_zero_label,
    }


def _habits(options: FinetuneSegment) -> dict[str, Any]:
    """How images and label maps were read, which holds wherever the weights are used."""
    return {
        "short_side": options.augment.shorter(sides(options.size)),
        "labels": {
            "ignore_index": options.labels.ignore_index,
            "reduce_zero_label": options.labels.reduce_zero_label,
        },
    }


def _told(options: FinetuneSegment, outcome: Outcome, train_images: int) -> FinetunedSegmenter:
    """What the run has come to, and where its files are."""
    folder = RunFolder(options.out)
    found = last_measured(options.out, ACCURACY)
    return FinetunedSegmenter(
        out=options.out,
        weights=outcome.weights,
        weights_best=folder.weights_best,
        pictures=folder.pictures,
        train_images=train_images,
        val_images=found["images"],
        steps=outcome.steps,
        epochs=outcome.epochs,
        miou=found["miou"],
        best_miou=outcome.best.value if outcome.best else found["miou"],
        mean_accuracy=found["mean_accuracy"],
        pixel_accuracy=found["pixel_accuracy"],
        per_class=found["per_class"],
        metrics=outcome.metrics,
    )


def segmenter(
    options: FinetuneSegment,
    architecture: Architecture,
    weights: Weights | None,
    classes: tuple[str, ...],
    console: Console,
) -> Segmenter:
    """A segmenter drawn by the run's seed, with what the weights have for it."""
    seed_everything(options.run.seed, "weights")
    model = Segmenter(
        architecture,
        num_classes=len(classes),
        head=options.head,
        drop_path=options.encoder.drop_path,
        checkpointing=options.encoder.checkpointing,
    )
    keep = same_classes(weights, "segmenter", classes)
    start_from(weights, model, options, console, without=() if keep else ("head", "auxiliary"))
    return model


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
        few = some(self.images, PICTURES, self.seed)
        shift = Normalisation.of(self.loader, self.channels)
        for batch in evaluation_batches(
            few, AsItIs(), loader=self.loader, channels=self.channels, batch_size=1, or_none=True
        ):
            if not len(batch):
                continue  # all there is, where none of the few can be read
            called = scanner.classes(batch.images.to(scanner.peers.device))
            path = folder / f"classes-{epoch:04}-{int(batch.indices[0])}.png"
            draw_classes(as_shown(batch.images, shift)[0].numpy(), called, classes, path)
