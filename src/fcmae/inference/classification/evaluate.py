"""Evaluates the accuracy of a classifier on labelled images."""

from contextlib import nullcontext

from fcmae.data.image_list import ImageList
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.evaluation.class_names import class_names
from fcmae.inference.classification.options import EvaluateClassify, Evaluated
from fcmae.inference.prologue import TrainedModel, open_weights
from fcmae.setup.places import check_place
from fcmae.setup.sources import validation_images


def evaluate_classify(options: EvaluateClassify, reporter: Reporter) -> Evaluated:
    """Evaluates a classifier: top-1, top-5, recall and precision of each class.

    Raises:
        CheckpointError: There are no such weights, or they are of no classifier of these classes.
        DataError: There is no labelled image that can be used.
    """
    trained = open_weights(options, reporter, kind="classifier")
    found, weights = validation_images(options.data, loader=options.loader), trained.weights
    names = class_names(
        found,
        known=weights.classes,
        number=weights.description["num_classes"],
        source=weights.path,
    )
    images = trained.check(found.with_classes(names))
    check_place(options.out, options.data)
    with nullcontext() if options.out is None else hold(options.out):
        return _evaluate(options, trained, images, reporter)


def _evaluate(
    options: EvaluateClassify, trained: TrainedModel, images: ImageList, reporter: Reporter
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
