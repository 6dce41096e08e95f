"""Training a segmenter: the rooms wired together."""

from typing import Any

from fcmae.data.feed import Feed
from fcmae.data.image_list import ImageList
from fcmae.data.options import LabelMapOptions
from fcmae.data.segments.layout import layout_of
from fcmae.data.segments.views import SegmentationCrop
from fcmae.engine.folder import ACCURACY, RunFolder
from fcmae.engine.loop import Outcome
from fcmae.engine.report import Reporter
from fcmae.model.options import Architecture
from fcmae.model.segmenter import Segmenter
from fcmae.options.size import sides
from fcmae.randomness import seed_everything
from fcmae.setup.weights import Weights, card, loader_of
from fcmae.tasks.evaluations.pixels import Pixels
from fcmae.tasks.segment import Segment
from fcmae.training.init_weights import same_classes, start_from
from fcmae.training.resolved_options import Start
from fcmae.training.run import fit_with, last_measured
from fcmae.training.segmentation import FinetunedSegmenter, FinetuneSegment


def train(
    options: FinetuneSegment,
    architecture: Architecture,
    weights: Weights | None,
    images: tuple[ImageList, ImageList],
    reporter: Reporter,
) -> FinetunedSegmenter:
    """Files, crops, model, loss, validation, and the loop around them."""
    training, validation = images
    classes = training.classes or ()
    loader = options.loader if weights is None else loader_of(weights, options.loader)
    channels, size = architecture.channels, sides(options.size)
    model = segmenter(options, architecture, weights, classes, reporter)
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
        reporter=reporter,
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
    reporter: Reporter,
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
    start_from(weights, model, options, reporter, without=() if keep else ("head", "auxiliary"))
    return model
