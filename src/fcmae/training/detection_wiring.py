"""Training a detector: the rooms wired together."""

from typing import Any

from fcmae.data.feed import Feed
from fcmae.data.image_list import ImageList
from fcmae.data.objects.table import Objects
from fcmae.data.objects.views import LargeScaleJitter
from fcmae.engine.folder import PRECISION, RunFolder
from fcmae.engine.loop import Outcome
from fcmae.engine.report import Reporter
from fcmae.model.detector import Detector
from fcmae.model.options import Architecture
from fcmae.options.size import sides, size_or
from fcmae.randomness import seed_everything
from fcmae.setup.weights import Weights, card, loader_of, tiling_facts
from fcmae.tasks.detect import Detect
from fcmae.tasks.evaluations.precision import AveragePrecision
from fcmae.training.detection import DetectorTrained, FinetuneDetect
from fcmae.training.init_weights import same_classes, start_from
from fcmae.training.resolved_options import Start
from fcmae.training.run import fit_with, last_measured


def train(
    options: FinetuneDetect,
    architecture: Architecture,
    weights: Weights | None,
    images: tuple[ImageList, ImageList],
    reporter: Reporter,
) -> DetectorTrained:
    """Files, views, model, losses, validation, and the loop around them."""
    training, validation = images
    objects, judged = training.annotations, validation.annotations
    assert isinstance(objects, Objects)
    assert isinstance(judged, Objects)
    classes, masks = training.classes or (), objects.outlined
    loader = options.loader if weights is None else loader_of(weights, options.loader)
    channels, test_size = architecture.channels, sides(size_or(options.test_size, options.size))
    model = detector(options, architecture, weights, classes, reporter, masks=masks)
    facts = card(size=test_size, loader=loader, channels=channels, classes=classes, weights=weights)
    tiling = options.tiles.tiling()
    facts |= {"class_ids": objects.class_ids.tolist(), **tiling_facts(tiling)}
    precision = AveragePrecision(validation, test_size, loader, tiling=tiling, every=options.every)
    outcome = fit_with(
        options,
        Detect(model, seed=options.run.seed, freeze_stages=options.freeze_stages),
        Feed(
            training,
            LargeScaleJitter(sides(options.size), options.augment, own_size=tiling is not None),
            seed=options.run.seed,
            loader=loader,
            channels=channels,
            repeats=options.repeats,
        ),
        evaluations=[precision],
        start=Start(net=architecture, weights=weights, data=_decided(options, objects)),
        card=facts,
        reporter=reporter,
        best="val/mask_ap" if masks and judged.outlined else "val/box_ap",
    )
    return _told(options, outcome, len(training))


def _told(options: FinetuneDetect, outcome: Outcome, train_images: int) -> DetectorTrained:
    """What the run has come to, and where its files are."""
    folder = RunFolder(options.out)
    found = last_measured(options.out, PRECISION)
    return DetectorTrained(
        out=options.out,
        weights=outcome.weights,
        weights_best=folder.weights_best,
        pictures=folder.pictures,
        train_images=train_images,
        val_images=found["images"],
        steps=outcome.steps,
        epochs=outcome.epochs,
        boxes=found["boxes"],
        masks=found["masks"],
        best_ap=outcome.best.value if outcome.best else None,
        per_class=found["per_class"],
        metrics=outcome.metrics,
    )


def _decided(options: FinetuneDetect, objects: Objects) -> dict[str, Any]:
    """True if there are outlines to learn, where they are not refused."""
    return {} if options.masks is False else {"masks": objects.outlined}


def detector(
    options: FinetuneDetect,
    architecture: Architecture,
    weights: Weights | None,
    classes: tuple[str, ...],
    reporter: Reporter,
    *,
    masks: bool,
) -> Detector:
    """A detector drawn by the run's seed, with what the weights have for it."""
    seed_everything(options.run.seed, "weights")
    model = Detector(
        architecture,
        num_classes=len(classes),
        masks=masks,
        head=options.head,
        drop_path=options.encoder.drop_path,
        checkpointing=options.encoder.checkpointing,
    )
    model.suppress(options.suppression)
    keep = same_classes(weights, "detector", classes)
    start_from(weights, model, options, reporter, without=() if keep else ("heads",))
    return model
