"""``fcmae evaluate classify``: accuracy of a classifier on labelled images."""

from dataclasses import dataclass
from pathlib import Path

from fcmae.checkpoint.options import Source
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.errors import CheckpointError
from fcmae.inference.classification.evaluated import Evaluated, evaluated
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.setup.nets import size_for
from fcmae.setup.places import check_place
from fcmae.setup.preflight import check_pictures
from fcmae.setup.sources import validation_images
from fcmae.setup.weights import Weights, loader_of, read_weights


@dataclass(frozen=True, kw_only=True)
class EvaluateClassify:
    """Accuracy of a classifier on labelled images."""

    data: Path
    """Folder with one folder per class (or with a val folder of those, which is then taken), or a
    .csv list with columns path,label."""

    weights: str
    """Folder of a run of fcmae finetune, weights file, or the name of published weights."""

    out: Path | None = None
    """Folder for the confusion matrix as a picture and the table per class."""

    size: Size | None = None
    """Side in pixels of the images, or height,width; by default what the weights were made for."""

    source: Source = Source()
    loader: Loader = Loader()
    run: Compute = Compute()


def evaluate_classify(options: EvaluateClassify, reporter: Reporter) -> Evaluated:
    """Check what the weights and the images say, then classify."""
    weights = read_weights(
        options.weights, kind="classifier", fetch=options.source, reporter=reporter
    )
    size_for(options.size, weights)
    loader_of(weights, options.loader)
    images = validation_images(options.data)
    images = images.with_classes(class_names(weights, images))
    check_pictures(images, loader=options.loader, channels=weights.net.channels, by_weights=True)
    check_place(options.out, [options.data])
    if options.out is None:
        return _classify(options, weights, images, reporter)
    with hold(options.out):
        return _classify(options, weights, images, reporter)


def class_names(weights: Weights, images: ImageList) -> list[str]:
    """The classes of the weights; where they have no names, those of as many folders in order."""
    if weights.classes is not None:
        return weights.classes
    found, count = list(images.classes or ()), weights.description["num_classes"]
    if len(found) != count:
        raise CheckpointError(
            f"{weights.path} does not name its {count} classes, and there are labels of "
            f"{len(found)}, so that they cannot be compared."
        )
    return found


def _classify(
    options: EvaluateClassify, weights: Weights, images: ImageList, reporter: Reporter
) -> Evaluated:
    from fcmae.evaluation.classify import classify
    from fcmae.files.together import begin
    from fcmae.inference.models import open_model
    from fcmae.inference.per_class import FILES, write_classes
    from fcmae.model.classifier import Classifier
    from fcmae.model.timm_net import TimmClassifier

    model, found, peers = open_model(options, weights, images, reporter, what="classifying")
    assert isinstance(model, (Classifier, TimmClassifier))
    classes = list(images.classes or ())
    journal = options.out and begin(options.out, FILES, peers, "evaluation")
    result = classify(model, found, classes, peers)
    if journal and peers.leads:
        columns = ("name", "images", "recall", "precision")
        write_classes(journal, result.confusion, classes, result.per_class, columns)
    return evaluated(result.summary(), result.unusable, out=options.out)
