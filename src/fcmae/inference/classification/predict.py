"""``fcmae predict classify``: what a classifier says about images."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fcmae.checkpoint.options import Source
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine.lock import probe
from fcmae.engine.report import Reporter
from fcmae.files.results import check_table, unusable_files, write_results
from fcmae.notebook import Result
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.setup.nets import size_for
from fcmae.setup.preflight import check_pictures
from fcmae.setup.sources import find_all
from fcmae.setup.weights import Weights, loader_of, read_weights


@dataclass(frozen=True, kw_only=True)
class PredictClassify:
    """Classify images: a table of the likeliest classes of each."""

    data: list[Path]
    """Images, folders (read recursively) and .txt or .csv lists, one or several."""

    weights: str
    """Folder of a run of fcmae finetune, weights file, or the name of published weights."""

    out: Path
    """Table to write: .csv, .parquet or .npz (which also holds the probability of every class). One
    that an earlier call wrote is replaced, a file of others never."""

    top: int = 5
    """Likeliest classes to name for each image, at most as many as there are."""

    size: Size | None = None
    """Side in pixels of the images, or height,width; by default what the weights were made for."""

    source: Source = Source()
    loader: Loader = Loader()
    run: Compute = Compute()

    def __post_init__(self) -> None:
        if self.top < 1:
            raise ValueError(f"top is {self.top}, but must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class Predicted(Result):
    """What was said about images.

    Attributes:
        out: The table.
        images: Images classified.
        classes: How many images were called each class, most frequent first.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    classes: dict[str, int]
    unusable: list[dict[str, str]] = field(default_factory=list)


def predict_classify(options: PredictClassify, reporter: Reporter) -> Predicted:
    """Check what the weights and the images say, then classify."""
    check_table(options.out, sources=[*options.data, options.weights])
    weights = read_weights(
        options.weights, kind="classifier", fetch=options.source, reporter=reporter
    )
    size_for(options.size, weights)
    loader_of(weights, options.loader)
    images = find_all(options.data)
    check_pictures(images, loader=options.loader, channels=weights.net.channels, by_weights=True)
    probe(options.out.parent)
    return _predict(options, weights, images, reporter)


def _predict(
    options: PredictClassify, weights: Weights, images: ImageList, reporter: Reporter
) -> Predicted:
    from fcmae.evaluation.classify import predict
    from fcmae.inference.models import open_model
    from fcmae.model.classifier import Classifier
    from fcmae.model.timm_net import TimmClassifier

    model, found, peers = open_model(options, weights, images, reporter, what="classifying")
    assert isinstance(model, (Classifier, TimmClassifier))
    outputs = predict(model, found, peers)
    probabilities = outputs.rows.numpy()
    classes = weights.classes or [str(i) for i in range(probabilities.shape[1])]
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, : options.top]
    columns: dict[str, NDArray[Any] | Sequence[str]] = {"path": outputs.names(images)}
    for rank in range(order.shape[1]):
        columns[f"class_{rank + 1}"] = [classes[i] for i in order[:, rank]]
        best = np.take_along_axis(probabilities, order[:, rank : rank + 1], axis=1)
        columns[f"probability_{rank + 1}"] = best[:, 0]
    if options.out.suffix.lower() == ".npz":
        columns |= {"probabilities": probabilities, "classes": classes}
    if peers.leads:
        write_results(options.out, columns, outputs.unusable)
    called = np.bincount(order[:, 0], minlength=len(classes))
    most = [i for i in np.argsort(-called, kind="stable") if called[i]]
    return Predicted(
        out=options.out,
        images=len(probabilities),
        classes={classes[i]: int(called[i]) for i in most},
        unusable=unusable_files(outputs.unusable),
    )
