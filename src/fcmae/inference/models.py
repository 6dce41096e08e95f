"""Trained models on their device, and the images to show them."""

from collections.abc import Iterator

from torch import nn

from fcmae.checkpoint.weights import load_model
from fcmae.data.augment import EvaluationView, View
from fcmae.data.batch import Batch
from fcmae.data.feed import evaluation_batches
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.data.scene import SceneView
from fcmae.engine import devices
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter
from fcmae.inference.prologue import TrainedModel
from fcmae.options.compute import Compute
from fcmae.process_group import Peers


def open_model(
    trained: TrainedModel, images: ImageList, compute: Compute, reporter: Reporter, *, what: str
) -> tuple[nn.Module, Iterator[Batch], Peers]:
    """Returns the model on its device, this process's share of the images, and the processes."""
    model, _ = load_model(trained.weights.header, size=trained.size)
    peers = launch(compute, model)
    found = batches(
        images,
        EvaluationView(trained.size),
        loader=trained.loader,
        channels=trained.channels,
        batch_size=compute.batch_size,
        peers=peers,
        reporter=reporter,
        what=what,
    )
    return model, found, peers


def launch(compute: Compute, model: nn.Module) -> Peers:
    """Starts the processes, and puts the model on this one's device."""
    run = Run(
        device=compute.device,
        devices=compute.devices,
        precision=compute.precision,
        kernels=compute.kernels,
    )
    peers = devices.peers(devices.launch(run))
    model.to(peers.device)
    return peers


def batches(
    images: ImageList,
    view: View | SceneView,
    *,
    loader: Loader,
    channels: int,
    batch_size: int,
    peers: Peers,
    reporter: Reporter,
    what: str,
    or_none: bool = False,
) -> Iterator[Batch]:
    """This process's share of the images, each once, with its progress.

    Args:
        images: All images.
        view: How images are shown.
        loader: Reading of files.
        channels: Of the images.
        batch_size: Images at a time.
        peers: The processes.
        reporter: Told of the progress, by the leading process.
        what: What is done, for the reporter.
        or_none: There need not be an image that can be used.

    Raises:
        DataError: No image can be used, unless ``or_none``.
    """
    found = evaluation_batches(
        images,
        view,
        loader=loader,
        channels=channels,
        batch_size=batch_size,
        rank=peers.rank,
        world=peers.size,
        or_none=or_none,
    )
    if not peers.leads:
        return found
    return reporter.track(found, what, total=-(-len(images) // peers.size))
