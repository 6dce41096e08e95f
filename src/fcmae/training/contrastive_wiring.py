"""Contrastive pre-training: the rooms wired together, in the order in which an image passes."""

import math

from fcmae.data.contrasting import Contrasting
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.data.pairs import Pairs
from fcmae.engine.folder import RunFolder
from fcmae.engine.report import Reporter
from fcmae.evaluation.viewing import Viewing, sample
from fcmae.model.contraster import Contraster
from fcmae.model.options import Architecture
from fcmae.options.size import sides
from fcmae.randomness import seed_everything
from fcmae.setup.weights import Weights, card, loader_of
from fcmae.task import Evaluation
from fcmae.tasks import contrast as task
from fcmae.tasks.evaluations.feature_distance import FeatureDistance
from fcmae.tasks.evaluations.neighbours import Neighbours
from fcmae.training.contrastive import Contrast
from fcmae.training.init_weights import start_from
from fcmae.training.pretraining import Pretrained
from fcmae.training.pretraining_wiring import Labelled
from fcmae.training.resolved_options import Start
from fcmae.training.run import fit_with


def train(
    options: Contrast,
    architecture: Architecture,
    weights: Weights | None,
    found: tuple[ImageList, Labelled | None],
    reporter: Reporter,
) -> Pretrained:
    """Files, two views of each, two encoders, loss, and the loop around them."""
    images, labelled = found
    size, channels = sides(options.size), architecture.channels
    loader = options.loader if weights is None else loader_of(weights, options.loader)
    feed = Pairs(
        images,
        Contrasting(size, options.augment),
        seed=options.run.seed,
        loader=loader,
        channels=channels,
    )
    reporter.message(_chance(options))
    model = contraster(options, architecture, weights, reporter)
    outcome = fit_with(
        options,
        task.Contrast(model, options.contrast),
        feed,
        evaluations=evaluations(options, (loader, channels), images, labelled),
        start=Start(net=architecture, weights=weights),
        card=card(size=size, loader=loader, channels=channels, weights=weights),
        reporter=reporter,
    )
    return Pretrained(
        out=options.out,
        weights=outcome.weights,
        pictures=RunFolder(options.out).pictures,
        images=len(images),
        steps=outcome.steps,
        epochs=outcome.epochs,
        metrics=outcome.metrics,
    )


def contraster(
    options: Contrast, architecture: Architecture, weights: Weights | None, reporter: Reporter
) -> Contraster:
    """The model drawn by the run's seed, with what the weights have for it."""
    seed_everything(options.run.seed, "weights")
    model = Contraster(
        architecture,
        projection=options.projection,
        drop_path=options.encoder.drop_path,
        checkpointing=options.encoder.checkpointing,
    )
    start_from(weights, model, options, reporter)
    model.start_momentum()
    return model


def evaluations(
    options: Contrast,
    read_by: tuple[Loader, int],
    images: ImageList,
    labelled: Labelled | None,
) -> list[Evaluation]:
    """What the monitor asks for."""
    monitor = options.monitor
    viewing = Viewing(
        size=sides(options.size), loader=read_by[0], channels=read_by[1], batch_size=64
    )
    averaged = sample(images, monitor.images, options.run.seed)
    asked: list[Evaluation] = [FeatureDistance(averaged, viewing, every=monitor.every)]
    if labelled is not None:
        asked.append(Neighbours(*labelled, viewing, every=monitor.every))
    return asked


def _chance(options: Contrast) -> str:
    if options.run.micro_batch is None:
        keys = options.optim.batch_size
        return f"A loss of {math.log(keys):.2f} is that of guessing among {keys:,} images."
    return "A loss of the logarithm of a micro-batch's images is that of guessing among them."
