"""``fcmae predict values``: the labels or numbers of images, as a table."""

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_places, show_table, show_unusable
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine.lock import probe
from fcmae.files.results import check_table, unusable_files, write_results
from fcmae.files.tables import Columns
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.setup.nets import size_for
from fcmae.setup.preflight import check_pictures
from fcmae.setup.sources import find_all
from fcmae.setup.weights import Weights, loader_of, read_weights
from fcmae.setup.words import number


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
class PredictedValues:
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


def predict_values(options: PredictValues, console: Console) -> PredictedValues:
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
    return _predict(options, weights, images, console)


def _predict(
    options: PredictValues, weights: Weights, images: ImageList, console: Console
) -> PredictedValues:
    from fcmae.cli.shared.inference import open_model
    from fcmae.evaluation.values import estimate
    from fcmae.model.estimator import Estimator

    model, found, peers = open_model(options, weights, images, console, what="estimating")
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


def show_predicted_values(result: PredictedValues, terminal: Terminal) -> None:
    """The mean of each value, and where the table is."""
    rows = [(name, f"{mean:.4g}") for name, mean in list(result.means.items())[:20]]
    show_table(terminal, ("value", "mean"), rows)
    show_unusable(result.unusable, terminal)
    say(terminal, f"Looked at {number(result.images, 'image')}.")
    show_places(terminal, table=result.out)
