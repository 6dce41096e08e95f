"""Evaluates the features of an encoder by nearest neighbours and by linear probes."""

from fcmae.engine.report import Reporter
from fcmae.inference.classification.options import Evaluated
from fcmae.inference.features.inputs import open_inputs
from fcmae.inference.features.options import EvaluateLinear, EvaluateNeighbours


def evaluate_neighbours(options: EvaluateNeighbours, reporter: Reporter) -> Evaluated:
    """Compares the features of images with those of labelled images.

    Raises:
        CheckpointError: There are no such weights, or they contradict the options.
        DataError: There are no labelled images that can be used.
    """
    inputs = open_inputs(options, reporter)
    from fcmae.evaluation.neighbours import neighbours
    from fcmae.inference.features.features import features

    train, test, device = features(inputs, options.run, options.seed, reporter)
    classes = list(inputs.train.classes or ())
    result = neighbours(
        train, test, classes, k=options.k, temperature=options.temperature, device=device
    )
    unusable = train.unusable + test.unusable
    return Evaluated.of(result.summary(), unusable, train_images=len(train.rows))


def evaluate_linear(options: EvaluateLinear, reporter: Reporter) -> Evaluated:
    """Fits a linear classifier to the features of labelled images, and measures its accuracy.

    Raises:
        CheckpointError: There are no such weights, or they contradict the options.
        DataError: There are no labelled images that can be used.
    """
    inputs = open_inputs(options, reporter)
    from fcmae.evaluation.linear import linear_probe
    from fcmae.inference.features.features import features

    train, test, device = features(inputs, options.run, options.seed, reporter)
    classes = list(inputs.train.classes or ())
    probe = linear_probe(train, test, classes, seed=options.seed, device=device)
    return Evaluated.of(
        probe.result.summary(),
        train.unusable + test.unusable,
        train_images=len(train.rows),
        weight_decay=probe.weight_decay,
    )
