"""Trained models over images: the wiring that all commands without training share."""

from collections.abc import Iterator

from torch import nn

from fcmae.cli.compute import Compute
from fcmae.cli.console import Console
from fcmae.data.augment import Evaluation
from fcmae.data.batch import Batch
from fcmae.data.feed import evaluation_batches
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine import devices
from fcmae.engine.options import Run
from fcmae.peers import Peers


def launch(compute: Compute, model: nn.Module) -> Peers:
    """Start the processes, and put the model on this one's device."""
    run = Run(device=compute.device, devices=compute.devices, precision=compute.precision)
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
    console: Console,
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
    return console.track(found, what, total=-(-len(images) // peers.size))
