"""``fcmae evaluate values``: how well several labels or numbers per image are told."""

from dataclasses import dataclass
from pathlib import Path

from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.data.values import values_of
from fcmae.data.values_find import evaluation_values
from fcmae.engine.report import Reporter
from fcmae.files.results import unusable_files
from fcmae.inference.values.evaluated import Estimated
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.setup.nets import size_for
from fcmae.setup.preflight import check_pictures
from fcmae.setup.weights import Weights, loader_of, read_weights


@dataclass(frozen=True, kw_only=True)
class EvaluateValues:
    """Average precision of labels, or error of numbers, on images whose values are known."""

    data: Path
    """A .csv list as fcmae finetune values takes it; of a column split, what is to validate on."""

    weights: Path
    """Folder of a run of fcmae finetune values, or weights file."""

    size: Size | None = None
    """Side in pixels of the images, or height,width; by default what the weights were made for."""

    loader: Loader = Loader()
    run: Compute = Compute()


def evaluate_values(options: EvaluateValues, reporter: Reporter) -> Estimated:
    """Check what the weights and the images say, then look at all of them."""
    weights = read_weights(options.weights, kind="estimator")
    size_for(options.size, weights)
    loader_of(weights, options.loader)
    names = tuple(weights.classes or ())
    images = evaluation_values(options.data, weights.description["values"], names)
    check_pictures(
        images, loader=options.loader, channels=weights.architecture.channels, by_weights=True
    )
    return _evaluate(options, weights, images, reporter)


def _evaluate(
    options: EvaluateValues, weights: Weights, images: ImageList, reporter: Reporter
) -> Estimated:
    from fcmae.evaluation.values import estimate, judge
    from fcmae.inference.models import open_model
    from fcmae.model.estimator import Estimator

    model, found, peers = open_model(options, weights, images, reporter, what="estimating")
    assert isinstance(model, Estimator)
    result = judge(estimate(model, found, peers), values_of(images), images.classes or ())
    return Estimated(
        images=result.images,
        mean_ap=result.mean_ap,
        mae=result.mae,
        r2=result.r2,
        per_value=result.summary()["per_value"],
        unusable=unusable_files(result.unusable),
    )
