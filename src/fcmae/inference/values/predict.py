"""Estimates labels or numbers of images into a table."""

from fcmae.data.image_list import ImageList
from fcmae.engine.report import Reporter
from fcmae.files.results import unusable_files, write_results
from fcmae.files.tables import TableColumns
from fcmae.inference.prologue import TrainedModel, open_for_table
from fcmae.inference.values.options import PredictedValues, PredictValues


def predict_values(options: PredictValues, reporter: Reporter) -> PredictedValues:
    """Estimates labels or numbers of images, and writes a column for each.

    Raises:
        CheckpointError: There are no such weights, or they are of no estimator.
        DataError: There is no image that can be used.
        StorageError: The table cannot be written there.
    """
    trained, images = open_for_table(options, reporter, kind="estimator")
    return _predict(options, trained, images, reporter)


def _predict(
    options: PredictValues, trained: TrainedModel, images: ImageList, reporter: Reporter
) -> PredictedValues:
    from fcmae.evaluation.values import estimate
    from fcmae.inference.models import open_model
    from fcmae.model.estimator import Estimator

    model, batches, peers = open_model(trained, images, options.run, reporter, what="estimating")
    assert isinstance(model, Estimator)
    outputs = estimate(model, batches, peers)
    rows = outputs.rows.numpy()
    names = trained.weights.classes or [f"value_{i}" for i in range(rows.shape[1])]
    if peers.leads:
        columns: TableColumns = {
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
