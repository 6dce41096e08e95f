"""Evaluates the accuracy of a classifier on labelled images."""

from contextlib import nullcontext

from fcmae.data.image_list import ImageList
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.errors import CheckpointError
from fcmae.inference.classification.options import EvaluateClassify, Evaluated
from fcmae.inference.prologue import Trained, open_weights
from fcmae.setup.places import check_place
from fcmae.setup.sources import validation_images
from fcmae.setup.weights import Weights


def evaluate_classify(options: EvaluateClassify, reporter: Reporter) -> Evaluated:
    """Evaluates a classifier: top-1, top-5, recall and precision of each class.

    Raises:
        CheckpointError: There are no such weights, or they are of no classifier of these classes.
        DataError: There is no labelled image that can be used.
    """
    trained = open_weights(options, reporter, kind="classifier")
    found = validation_images(options.data)
    images = trained.check(found.with_classes(class_names(trained.weights, found)))
    check_place(options.out, [options.data])
    with nullcontext() if options.out is None else hold(options.out):
        return _evaluate(options, trained, images, reporter)


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


def _evaluate(
    options: EvaluateClassify, trained: Trained, images: ImageList, reporter: Reporter
) -> Evaluated:
    from fcmae.evaluation.classify import classify
    from fcmae.files.together import begin
    from fcmae.inference.models import open_model
    from fcmae.inference.per_class import FILES, write_classes
    from fcmae.model.classifier import Classifier
    from fcmae.model.timm_net import TimmClassifier

    model, batches, peers = open_model(trained, images, options.run, reporter, what="classifying")
    assert isinstance(model, (Classifier, TimmClassifier))
    classes = list(images.classes or ())
    journal = options.out and begin(options.out, FILES, peers, "evaluation")
    result = classify(model, batches, classes, peers)
    if journal and peers.leads:
        columns = ("name", "images", "recall", "precision")
        write_classes(journal, result.confusion, classes, result.per_class, columns)
    return Evaluated.of(result.summary(), result.unusable, out=options.out)
