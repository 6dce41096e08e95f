"""Learning several labels or numbers per image: the rooms wired together."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from fcmae.cli.shared.console import Console
from fcmae.cli.shared.left_open import Start
from fcmae.cli.shared.monitors import Viewing
from fcmae.cli.shared.starting import start_from
from fcmae.cli.shared.training import fit_with, last_measured
from fcmae.cli.values.finetune import FinetunedValues, FinetuneValues
from fcmae.data.augment import Supervised
from fcmae.data.feed import Feed
from fcmae.data.image_list import ImageList
from fcmae.data.values import Values, values_of
from fcmae.data.values_sheet import ValueKind
from fcmae.engine.folder import ACCURACY, RunFolder
from fcmae.engine.loop import Outcome
from fcmae.evaluation.values import estimate, judge
from fcmae.files.durable import write_text
from fcmae.model.estimator import Estimator
from fcmae.model.options import Architecture
from fcmae.options.size import sides, size_or
from fcmae.peers import Peers
from fcmae.randomness import seed_everything
from fcmae.setup.weights import Weights, card, loader_of
from fcmae.task import Evaluation
from fcmae.tasks.estimate import Estimate


def train(
    options: FinetuneValues,
    architecture: Architecture,
    weights: Weights | None,
    images: tuple[ImageList, ImageList],
    console: Console,
) -> FinetunedValues:
    """Files, views, model, loss, validation, and the loop around them."""
    training, validation = images
    names, values = training.classes or (), values_of(training)
    loader = options.loader if weights is None else loader_of(weights, options.loader)
    channels, test_size = architecture.channels, sides(size_or(options.test_size, options.size))
    viewing = Viewing(size=test_size, loader=loader, channels=channels, batch_size=64)
    model = estimator(options, architecture, weights, values, console)
    outcome = fit_with(
        options,
        Estimate(model, freeze=options.freeze),
        Feed(
            training,
            Supervised(sides(options.size), options.augment),
            seed=options.run.seed,
            loader=loader,
            channels=channels,
        ),
        evaluations=[Told(validation, viewing, every=options.every)],
        start=Start(net=architecture, weights=weights, data=_decided(options, values)),
        card=card(size=test_size, loader=loader, channels=channels, classes=names, weights=weights),
        console=console,
        best="val/mean_ap" if values.kind == "labels" else "val/r2",
    )
    return _told(options, outcome, len(training), values.kind)


def _told(
    options: FinetuneValues, outcome: Outcome, train_images: int, kind: ValueKind
) -> FinetunedValues:
    """What the run has come to, and where its files are."""
    found = last_measured(options.out, ACCURACY)
    return FinetunedValues(
        out=options.out,
        weights=outcome.weights,
        weights_best=RunFolder(options.out).weights_best,
        kind=kind,
        train_images=train_images,
        val_images=found["images"],
        steps=outcome.steps,
        epochs=outcome.epochs,
        mean_ap=found["mean_ap"],
        mae=found["mae"],
        r2=found["r2"],
        per_value=found["per_value"],
        metrics=outcome.metrics,
    )


def _decided(options: FinetuneValues, values: Values) -> dict[str, Any]:
    """The kind that values are where none is said, if they tell it."""
    strange = np.isfinite(values.table) & ~np.isin(values.table, (0, 1))
    told = options.kind != "numbers" or strange.any()
    return {"kind": values.kind} if told else {}


def estimator(
    options: FinetuneValues,
    architecture: Architecture,
    weights: Weights | None,
    values: Values,
    console: Console,
) -> Estimator:
    """A new head on a new encoder or on that of the weights; drawn by the run's seed."""
    seed_everything(options.run.seed, "weights")
    model = Estimator(
        architecture,
        num_values=values.table.shape[1],
        kind=values.kind,
        drop_path=options.encoder.drop_path,
        head_init_scale=options.head_init_scale,
        checkpointing=options.encoder.checkpointing,
    )
    start_from(weights, model, options, console, without=("head", "shift", "scale"))
    if values.kind == "numbers":
        shift, spread = np.nanmean(values.table, axis=0), np.nanstd(values.table, axis=0)
        model.shift.copy_(torch.from_numpy(shift))
        model.scale.copy_(torch.from_numpy(np.where(spread > 0, spread, 1)))
    return model


class Told(Evaluation):
    """How well the values of the validation images are told."""

    name = "val"

    def __init__(self, images: ImageList, viewing: Viewing, *, every: int) -> None:
        self.images, self.viewing, self.every = images, viewing, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """Mean average precision of labels; absolute error and explained variance of numbers."""
        assert isinstance(model, Estimator)
        found = estimate(model, self.viewing.batches(self.images, peers), peers)
        result = judge(found, values_of(self.images), self.images.classes or ())
        self.unusable = result.unusable
        if peers.leads:
            folder.parent.mkdir(parents=True, exist_ok=True)
            write_text(folder.parent / ACCURACY, json.dumps(result.summary(), indent=1) + "\n")
        means = {"mean_ap": result.mean_ap, "mae": result.mae, "r2": result.r2}
        return {name: value for name, value in means.items() if value is not None}
