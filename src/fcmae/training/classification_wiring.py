"""Fine-tuning a classifier: the rooms wired together."""

from typing import Any

from fcmae.data.augment import Supervised
from fcmae.data.feed import Feed
from fcmae.data.image_list import ImageList
from fcmae.engine.folder import ACCURACY, RunFolder
from fcmae.engine.loop import Outcome
from fcmae.engine.report import Reporter
from fcmae.evaluation.viewing import Viewing
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture
from fcmae.model.timm_net import TimmClassifier
from fcmae.model.timm_options import TimmArchitecture
from fcmae.options.size import sides, size_or
from fcmae.randomness import seed_everything
from fcmae.setup.weights import Weights, card, loader_of
from fcmae.tasks.classify import Classify
from fcmae.tasks.evaluations.accuracy import Accuracy
from fcmae.training.classification import FinetuneClassify, Finetuned
from fcmae.training.init_weights import same_classes, start_from
from fcmae.training.resolved_options import Start
from fcmae.training.run import fit_with, last_measured


def train(
    options: FinetuneClassify,
    net: Architecture | TimmArchitecture,
    weights: Weights | None,
    images: tuple[ImageList, ImageList],
    reporter: Reporter,
) -> Finetuned:
    """Files, views, model, loss, validation, and the loop around them."""
    training, validation = images
    classes = training.classes or ()
    loader = options.loader if weights is None else loader_of(weights, options.loader)
    channels, test_size = net.channels, sides(size_or(options.test_size, options.size))
    model = classifier(options, net, weights, classes, reporter)
    viewing = Viewing(size=test_size, loader=loader, channels=channels, batch_size=64)
    outcome = fit_with(
        options,
        Classify(model, augment=options.augment, freeze=options.freeze),
        Feed(
            training,
            Supervised(sides(options.size), options.augment),
            seed=options.run.seed,
            loader=loader,
            channels=channels,
        ),
        evaluations=[Accuracy(validation, viewing, every=options.every)],
        start=Start(net=net, weights=weights),
        card=card(
            size=test_size, loader=loader, channels=channels, classes=classes, weights=weights
        ),
        reporter=reporter,
        best="val/top1",
    )
    return _told(options, outcome, len(training))


def _told(options: FinetuneClassify, outcome: Outcome, train_images: int) -> Finetuned:
    """What the run has come to, and where its files are."""
    folder = RunFolder(options.out)
    found = last_measured(options.out, ACCURACY)
    return Finetuned(
        out=options.out,
        weights=outcome.weights,
        weights_best=folder.weights_best,
        pictures=folder.pictures,
        train_images=train_images,
        val_images=found["images"],
        steps=outcome.steps,
        epochs=outcome.epochs,
        top1=outcome.metrics["val/top1"],
        top5=outcome.metrics.get("val/top5"),
        best_top1=outcome.best.value if outcome.best else outcome.metrics["val/top1"],
        per_class=found["per_class"],
        metrics=outcome.metrics,
    )


def classifier(
    options: FinetuneClassify,
    net: Architecture | TimmArchitecture,
    weights: Weights | None,
    classes: tuple[str, ...],
    reporter: Reporter,
) -> Classifier | TimmClassifier:
    """A classifier drawn by the run's seed, with what the weights have for it."""
    seed_everything(options.run.seed, "weights")
    more: dict[str, Any] = {
        "num_classes": len(classes),
        "drop_path": options.encoder.drop_path,
        "head_init_scale": options.head_init_scale,
        "checkpointing": options.encoder.checkpointing,
    }
    model: Classifier | TimmClassifier
    if isinstance(net, Architecture):
        model = Classifier(net, **more)
    else:
        model = TimmClassifier(net, **more)
    keep = options.head == "fitting" and same_classes(weights, "classifier", classes)
    start_from(weights, model, options, reporter, without=() if keep else ("head",))
    return model
