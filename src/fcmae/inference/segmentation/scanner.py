"""A trained segmenter over images of any size: wiring that its commands share."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from fcmae.checkpoint.weights import load_model
from fcmae.data.batch import Batch
from fcmae.data.feed import evaluation_batches
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.data.scene import AsItIs
from fcmae.engine.report import Reporter
from fcmae.evaluation.options import Scan
from fcmae.evaluation.scan import Scanner
from fcmae.inference.models import launch
from fcmae.model.segmenter import Segmenter
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.peers import Peers
from fcmae.setup.nets import size_for
from fcmae.setup.weights import Weights, loader_of


@runtime_checkable
class Options(Protocol):
    """The options that looking at images with a segmenter needs."""

    @property
    def size(self) -> Size | None:
        """Side of the windows; None for that of the training crops."""

    @property
    def scan(self) -> Scan:
        """Whole or by windows, scales, mirror image."""

    @property
    def loader(self) -> Loader:
        """Reading of files."""

    @property
    def run(self) -> Compute:
        """Device, precision, windows at once."""


def open_scanner(options: Options, weights: Weights) -> Scanner:
    """The model of a weights file on its device."""
    model, _ = load_model(weights.header)
    assert isinstance(model, Segmenter)
    return Scanner(
        model=model,
        how=options.scan.after(weights.short_side),
        tile=size_for(options.size, weights),
        batch_size=options.run.batch_size,
        peers=launch(options.run, model),
    )


def own_sizes(
    options: Options,
    weights: Weights,
    images: ImageList,
    reporter: Reporter,
    peers: Peers,
    *,
    what: str,
    or_none: bool = False,
) -> Iterator[Batch]:
    """This process's share of the images, one by one in their own size, under a progress bar.

    Where none can be used, that is an error unless ``or_none`` says otherwise.
    """
    found = evaluation_batches(
        images,
        AsItIs(),
        loader=loader_of(weights, options.loader),
        channels=weights.architecture.channels,
        batch_size=1,
        rank=peers.rank,
        world=peers.size,
        or_none=or_none,
    )
    if not peers.leads:
        return found
    return reporter.track(found, what, total=-(-len(images) // peers.size))
