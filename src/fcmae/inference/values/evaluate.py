"""Evaluates an estimator of labels or numbers on images whose values are known."""

from fcmae.data.image_list import ImageList
from fcmae.data.values import values_of
from fcmae.data.values_find import evaluation_values
from fcmae.engine.report import Reporter
from fcmae.files.results import unusable_files
from fcmae.inference.prologue import TrainedModel, open_weights
from fcmae.inference.values.options import Estimated, EvaluateValues


def evaluate_values(options: EvaluateValues, reporter: Reporter) -> Estimated:
    """Evaluates an estimator: average precision of labels, errors and R2 of numbers.

    Raises:
        CheckpointError: There are no such weights, or they are of no estimator.
        DataError: There is no image with values that can be used.
    """
    trained = open_weights(options, reporter, kind="estimator")
    names = tuple(trained.weights.classes or ())
    kind = trained.weights.description["values"]
    images = trained.check(
        evaluation_values(options.data, kind, names, loader=options.loader, unknown=options.unknown)
    )
    return _evaluate(options, trained, images, reporter)


def _evaluate(
    options: EvaluateValues, trained: TrainedModel, images: ImageList, reporter: Reporter
) -> Estimated:
    from fcmae.evaluation.values import estimate, judge
    from fcmae.inference.models import open_model
    from fcmae.model.estimator import Estimator

    model, batches, peers = open_model(trained, images, options.run, reporter, what="estimating")
    assert isinstance(model, Estimator)
    result = judge(estimate(model, batches, peers), values_of(images), images.classes or ())
    return Estimated(
        images=result.images,
        mean_ap=result.mean_ap,
        mae=result.mae,
        r2=result.r2,
        per_value=result.summary()["per_value"],
        unusable=unusable_files(result.unusable),
    )
