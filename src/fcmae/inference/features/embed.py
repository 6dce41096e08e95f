"""Writes one feature vector per image."""

from fcmae.data.image_list import ImageList
from fcmae.engine.report import Reporter
from fcmae.files.results import unusable_files, write_results
from fcmae.files.tables import TableColumns
from fcmae.inference.features.options import Embed, Embedded
from fcmae.inference.prologue import TrainedModel, open_for_table


def embed(options: Embed, reporter: Reporter) -> Embedded:
    """Computes the features of images, and writes them into a table.

    Raises:
        CheckpointError: There are no such weights.
        DataError: There is no image that can be used.
        StorageError: The table cannot be written there.
    """
    trained, images = open_for_table(options, reporter)
    return _embed(options, trained, images, reporter)


def _embed(
    options: Embed, trained: TrainedModel, images: ImageList, reporter: Reporter
) -> Embedded:
    from fcmae.evaluation.embed import embed as encode
    from fcmae.inference.models import open_model

    model, batches, peers = open_model(trained, images, options.run, reporter, what="encoding")
    outputs = encode(model, batches, peers)
    if peers.leads:
        columns: TableColumns = {"path": outputs.names(images), "features": outputs.rows.numpy()}
        write_results(options.out, columns, outputs.unusable)
    return Embedded(
        out=options.out,
        images=len(outputs.rows),
        width=outputs.rows.shape[1],
        unusable=unusable_files(outputs.unusable),
    )
