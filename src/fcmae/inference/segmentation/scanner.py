"""A trained segmenter on its device, and images in their own size."""

from collections.abc import Iterator

from fcmae.checkpoint.weights import load_model
from fcmae.data.batch import Batch
from fcmae.data.image_list import ImageList
from fcmae.data.scene import AsItIs
from fcmae.engine.report import Reporter
from fcmae.evaluation.options import Scan
from fcmae.evaluation.scan import Scanner
from fcmae.inference.models import batches, launch
from fcmae.inference.prologue import TrainedModel
from fcmae.model.segmenter import Segmenter
from fcmae.options.compute import Compute
from fcmae.process_group import Peers


def open_scanner(trained: TrainedModel, scan: Scan, compute: Compute) -> Scanner:
    """The segmenter on its device; ``trained.size`` is that of windows."""
    model, _ = load_model(trained.weights.header)
    assert isinstance(model, Segmenter)
    return Scanner(
        model=model,
        how=scan.after(trained.weights.card.short_side),
        tile=trained.size,
        batch_size=compute.batch_size,
        peers=launch(compute, model),
    )


def own_sizes(
    trained: TrainedModel,
    images: ImageList,
    peers: Peers,
    reporter: Reporter,
    *,
    or_none: bool = False,
) -> Iterator[Batch]:
    """This process's share of the images, one by one in their own size, with its progress.

    Raises:
        DataError: No image can be used, unless ``or_none``.
    """
    return batches(
        images,
        AsItIs(),
        loader=trained.loader,
        channels=trained.channels,
        batch_size=1,
        peers=peers,
        reporter=reporter,
        what="segmenting",
        or_none=or_none,
    )
