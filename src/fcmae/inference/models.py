"""Trained models over images: the wiring that all commands without training share."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from torch import nn

from fcmae.checkpoint.weights import load_model
from fcmae.data.augment import Evaluation
from fcmae.data.batch import Batch
from fcmae.data.feed import evaluation_batches
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine import devices
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.peers import Peers
from fcmae.setup.nets import size_for
from fcmae.setup.weights import Weights, loader_of


@runtime_checkable
class Options(Protocol):
    """The options that running a trained model over images needs."""

    @property
    def size(self) -> Size | None:
        """Side of the images; None for what the weights were made for."""

    @property
    def loader(self) -> Loader:
        """Reading of files."""

    @property
    def run(self) -> Compute:
        """Device, precision, batch size."""


def open_model(
    options: Options, weights: Weights, images: ImageList, reporter: Reporter, *, what: str
) -> tuple[nn.Module, Iterator[Batch], Peers]:
    """The model of a weights file on its device, and the images to show it."""
    size = size_for(options.size, weights)
    model, _ = load_model(weights.header, size=size)
    peers = launch(options.run, model)
    found = batches(
        images,
        size,
        loader=loader_of(weights, options.loader),
        channels=weights.net.channels,
        batch_size=options.run.batch_size,
        peers=peers,
        reporter=reporter,
        what=what,
    )
    return model, found, peers


def launch(compute: Compute, model: nn.Module) -> Peers:
    """Start the processes, and put the model on this one's device."""
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
    size: tuple[int, int],
    *,
    loader: Loader,
    channels: int,
    batch_size: int,
    peers: Peers,
    reporter: Reporter,
    what: str,
) -> Iterator[Batch]:
    """This process's share of the images, each once, under a progress bar."""
    found = evaluation_batches(
        images,
        Evaluation(size),
        loader=loader,
        channels=channels,
        batch_size=batch_size,
        rank=peers.rank,
        world=peers.size,
    )
    if not peers.leads:
        return found
    return reporter.track(found, what, total=-(-len(images) // peers.size))
