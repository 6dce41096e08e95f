"""Classifies images into a table."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from fcmae.data.image_list import ImageList
from fcmae.engine.report import Reporter
from fcmae.files.results import unusable_files, write_results
from fcmae.inference.classification.options import PredictClassify, Predicted
from fcmae.inference.prologue import TrainedModel, open_for_table


def predict_classify(options: PredictClassify, reporter: Reporter) -> Predicted:
    """Classifies images, and writes the likeliest classes of each.

    Raises:
        CheckpointError: There are no such weights, or they are of no classifier.
        DataError: There is no image that can be used.
        StorageError: The table cannot be written there.
    """
    trained, images = open_for_table(options, reporter, kind="classifier")
    return _predict(options, trained, images, reporter)


def _predict(
    options: PredictClassify, trained: TrainedModel, images: ImageList, reporter: Reporter
) -> Predicted:
    from fcmae.evaluation.classify import predict
    from fcmae.inference.models import open_model
    from fcmae.model.classifier import Classifier
    from fcmae.model.timm_net import TimmClassifier

    model, batches, peers = open_model(trained, images, options.run, reporter, what="classifying")
    assert isinstance(model, (Classifier, TimmClassifier))
    outputs = predict(model, batches, peers)
    probabilities = outputs.rows.numpy()
    classes = trained.weights.classes or [str(i) for i in range(probabilities.shape[1])]
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, : options.top]
    columns = {"path": outputs.names(images), **_likeliest(probabilities, order, classes)}
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


def _likeliest(
    probabilities: Float[np.ndarray, "n classes"], order: NDArray[np.int64], classes: list[str]
) -> dict[str, NDArray[Any] | Sequence[str]]:
    """Two columns for each rank: the class, and its probability."""
    columns: dict[str, NDArray[Any] | Sequence[str]] = {}
    for rank in range(order.shape[1]):
        columns[f"class_{rank + 1}"] = [classes[i] for i in order[:, rank]]
        best = np.take_along_axis(probabilities, order[:, rank : rank + 1], axis=1)
        columns[f"probability_{rank + 1}"] = best[:, 0]
    return columns
