"""The features of training and test images, by a trained or an untrained encoder."""

import torch
from torch import nn

from fcmae.checkpoint.weights import load_model
from fcmae.engine.report import Reporter
from fcmae.evaluation.embed import embed
from fcmae.evaluation.forward import Outputs
from fcmae.inference.features.evaluate import Ready
from fcmae.inference.models import batches, launch
from fcmae.model.build import new_encoder
from fcmae.options.compute import Compute
from fcmae.randomness import seed_everything


def features(
    ready: Ready, run: Compute, seed: int, reporter: Reporter
) -> tuple[Outputs, Outputs, torch.device]:
    """One vector per image of each part, and the device to compare them on."""
    model = encoder(ready, seed)
    peers = launch(run, model)
    train, test = (
        embed(
            model,
            batches(
                images,
                ready.size,
                loader=ready.loader,
                channels=ready.net.channels,
                batch_size=run.batch_size,
                peers=peers,
                reporter=reporter,
                what=what,
            ),
            peers,
        )
        for images, what in ((ready.train, "labelled images"), (ready.test, "test images"))
    )
    return train, test, peers.device


def encoder(ready: Ready, seed: int) -> nn.Module:
    """The model of the weights, or an untrained encoder drawn by the seed."""
    if ready.weights is None:
        seed_everything(seed, "weights")
        return new_encoder(ready.net)
    header, channels = ready.weights.header, ready.net.channels
    return load_model(header, channels=channels, adapt=ready.adapt, size=ready.size)[0]
