"""``fcmae predict values``: the labels or numbers of images, as a table."""

from dataclasses import dataclass, field
from pathlib import Path

from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine.lock import probe
from fcmae.engine.report import Reporter
from fcmae.files.results import check_table, unusable_files, write_results
from fcmae.files.tables import Columns
from fcmae.notebook import Result
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.setup.nets import size_for
from fcmae.setup.preflight import check_pictures
from fcmae.setup.sources import find_all
from fcmae.setup.weights import Weights, loader_of, read_weights


@dataclass(frozen=True, kw_only=True)
class PredictValues:
    """Tell the labels or numbers of images: a table with a column for each."""

    data: list[Path]
    """Images, folders (read recursively) and .txt or .csv lists, one or several."""

    weights: Path
    """Folder of a run of fcmae finetune values, or weights file."""

    out: Path
    """Table to write: .csv, .parquet or .npz. A label's column holds its probability."""

    size: Size | None = None
    """Side in pixels of the images, or height,width; by default what the weights were made for."""

    loader: Loader = Loader()
    run: Compute = Compute()


@dataclass(frozen=True, kw_only=True)
class PredictedValues(Result):
    """What was said about images.

    Attributes:
        out: The table.
        images: Images looked at.
        means: Mean over the images of each label's probability, or of each number.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    means: dict[str, float]
    unusable: list[dict[str, str]] = field(default_factory=list)


def predict_values(options: PredictValues, reporter: Reporter) -> PredictedValues:
    """Check what the weights and the images say, then look at all of them."""
    check_table(options.out, sources=[*options.data, options.weights])
    weights = read_weights(options.weights, kind="estimator")
    size_for(options.size, weights)
    loader_of(weights, options.loader)
    images = find_all(options.data)
    check_pictures(
        images, loader=options.loader, channels=weights.architecture.channels, by_weights=True
    )
    probe(options.out.parent)
    return _predict(options, weights, images, reporter)


def _predict(
    options: PredictValues, weights: Weights, images: ImageList, reporter: Reporter
) -> PredictedValues:
    from fcmae.evaluation.values import estimate
    from fcmae.inference.models import open_model
    from fcmae.model.estimator import Estimator

    model, found, peers = open_model(options, weights, images, reporter, what="estimating")
    assert isinstance(model, Estimator)
    outputs = estimate(model, found, peers)
    rows = outputs.rows.numpy()
    names = weights.classes or [f"value_{i}" for i in range(rows.shape[1])]
    if peers.leads:
        columns: Columns = {
            "path": outputs.names(images),
            **{name: rows[:, i] for i, name in enumerate(names)},
        }
        write_results(options.out, columns, outputs.unusable)
    return PredictedValues(
        out=options.out,
        images=len(rows),
        means={name: float(rows[:, i].mean()) for i, name in enumerate(names)},
        unusable=unusable_files(outputs.unusable),
    )
