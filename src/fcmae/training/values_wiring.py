"""Learning several labels or numbers per image: the rooms wired together."""

from typing import Any

import numpy as np
import torch

from fcmae.data.augment import Supervised
from fcmae.data.feed import Feed
from fcmae.data.image_list import ImageList
from fcmae.data.values import Values, values_of
from fcmae.data.values_sheet import ValueKind
from fcmae.engine.folder import ACCURACY, RunFolder
from fcmae.engine.loop import Outcome
from fcmae.engine.report import Reporter
from fcmae.evaluation.viewing import Viewing
from fcmae.model.estimator import Estimator
from fcmae.model.options import Architecture
from fcmae.options.size import sides, size_or
from fcmae.randomness import seed_everything
from fcmae.setup.weights import Weights, card, loader_of
from fcmae.tasks.estimate import Estimate
from fcmae.tasks.evaluations.values import ValueMetrics
from fcmae.training.init_weights import start_from
from fcmae.training.resolved_options import Start
from fcmae.training.run import fit_with, last_measured
from fcmae.training.values import FinetunedValues, FinetuneValues


def train(
    options: FinetuneValues,
    architecture: Architecture,
    weights: Weights | None,
    images: tuple[ImageList, ImageList],
    reporter: Reporter,
) -> FinetunedValues:
    """Files, views, model, loss, validation, and the loop around them."""
    training, validation = images
    names, values = training.classes or (), values_of(training)
    loader = options.loader if weights is None else loader_of(weights, options.loader)
    channels, test_size = architecture.channels, sides(size_or(options.test_size, options.size))
    viewing = Viewing(size=test_size, loader=loader, channels=channels, batch_size=64)
    model = estimator(options, architecture, weights, values, reporter)
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
        evaluations=[ValueMetrics(validation, viewing, every=options.every)],
        start=Start(net=architecture, weights=weights, data=_decided(options, values)),
        card=card(size=test_size, loader=loader, channels=channels, classes=names, weights=weights),
        reporter=reporter,
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
    reporter: Reporter,
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
    start_from(weights, model, options, reporter, without=("head", "shift", "scale"))
    if values.kind == "numbers":
        shift, spread = np.nanmean(values.table, axis=0), np.nanstd(values.table, axis=0)
        model.shift.copy_(torch.from_numpy(shift))
        model.scale.copy_(torch.from_numpy(np.where(spread > 0, spread, 1)))
    return model
