"""``fcmae embed``: one feature vector per image."""

from dataclasses import dataclass, field
from pathlib import Path

from fcmae.checkpoint.options import Source
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
class Embed:
    """Write the feature vector of each image, for search, clustering or a classifier of your own.

    It is what a classifier's head sees: the mean over positions, then a LayerNorm.
    """

    data: list[Path]
    """Images, folders (read recursively) and .txt or .csv lists, one or several."""

    weights: str
    """Folder of a run, weights file, or the name of published weights."""

    out: Path
    """Table to write: .npz, .parquet or .csv."""

    size: Size | None = None
    """Side in pixels of the images, or height,width; by default what the weights were made for."""

    source: Source = Source()
    loader: Loader = Loader()
    run: Compute = Compute()


@dataclass(frozen=True, kw_only=True)
class Embedded(Result):
    """What was written.

    Attributes:
        out: The table: the columns ``path`` and ``features``.
        images: Number of vectors.
        width: Length of a vector.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    width: int
    unusable: list[dict[str, str]] = field(default_factory=list)


def embed(options: Embed, reporter: Reporter) -> Embedded:
    """Check what the weights and the images say, then encode."""
    check_table(options.out, sources=[*options.data, options.weights])
    weights = read_weights(options.weights, fetch=options.source, reporter=reporter)
    size_for(options.size, weights)
    loader_of(weights, options.loader)
    images = find_all(options.data)
    check_pictures(images, loader=options.loader, channels=weights.net.channels, by_weights=True)
    probe(options.out.parent)
    return _embed(options, weights, images, reporter)


def _embed(options: Embed, weights: Weights, images: ImageList, reporter: Reporter) -> Embedded:
    from fcmae.evaluation.embed import embed as encode
    from fcmae.inference.models import open_model

    model, found, peers = open_model(options, weights, images, reporter, what="encoding")
    outputs = encode(model, found, peers)
    if peers.leads:
        columns: Columns = {"path": outputs.names(images), "features": outputs.rows.numpy()}
        write_results(options.out, columns, outputs.unusable)
    return Embedded(
        out=options.out,
        images=len(outputs.rows),
        width=outputs.rows.shape[1],
        unusable=unusable_files(outputs.unusable),
    )
