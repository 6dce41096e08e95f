"""The features of training and test images, by a trained or an untrained encoder."""

import torch
from torch import nn

from fcmae.checkpoint.weights import load_model
from fcmae.data.augment import EvaluationView
from fcmae.engine.report import Reporter
from fcmae.evaluation.embed import embed
from fcmae.evaluation.forward import Outputs
from fcmae.inference.features.inputs import FeatureInputs
from fcmae.inference.models import batches, launch
from fcmae.model.build import new_encoder
from fcmae.options.compute import Compute
from fcmae.randomness import seed_everything


def features(
    inputs: FeatureInputs, run: Compute, seed: int, reporter: Reporter
) -> tuple[Outputs, Outputs, torch.device]:
    """Returns a vector per image of each part, and the device to compare them on."""
    model = encoder(inputs, seed)
    peers = launch(run, model)
    train, test = (
        embed(
            model,
            batches(
                images,
                EvaluationView(inputs.size),
                loader=inputs.loader,
                channels=inputs.net.channels,
                batch_size=run.batch_size,
                peers=peers,
                reporter=reporter,
                what=what,
            ),
            peers,
        )
        for images, what in ((inputs.train, "labelled images"), (inputs.test, "test images"))
    )
    return train, test, peers.device


def encoder(inputs: FeatureInputs, seed: int) -> nn.Module:
    """The model of the weights, or an untrained encoder drawn by the seed."""
    if inputs.weights is None:
        seed_everything(seed, "weights")
        return new_encoder(inputs.net)
    header, channels = inputs.weights.header, inputs.net.channels
    return load_model(header, channels=channels, adapt=inputs.adapt, size=inputs.size)[0]
