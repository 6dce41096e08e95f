"""Pre-training: the rooms wired together, in the order in which an image passes through them."""

from fcmae.data.augment import Pretraining
from fcmae.data.feed import Feed
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine.folder import RunFolder
from fcmae.engine.report import Reporter
from fcmae.evaluation.viewing import Viewing, sample
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import Architecture
from fcmae.options.size import sides
from fcmae.randomness import seed_everything
from fcmae.setup.weights import Weights, card, loader_of
from fcmae.task import Evaluation
from fcmae.tasks.evaluations.feature_distance import FeatureDistance
from fcmae.tasks.evaluations.neighbours import Neighbours
from fcmae.tasks.evaluations.reconstructions import Reconstructions
from fcmae.tasks.reconstruct import Reconstruct
from fcmae.training.init_weights import start_from
from fcmae.training.pretraining import Pretrain, Pretrained
from fcmae.training.resolved_options import Start
from fcmae.training.run import fit_with

Labelled = tuple[ImageList, ImageList]


def train(
    options: Pretrain,
    architecture: Architecture,
    weights: Weights | None,
    found: tuple[ImageList, Labelled | None],
    reporter: Reporter,
) -> Pretrained:
    """Files, views, masks, model, loss, and the loop around them."""
    images, labelled = found
    size, seed, channels = sides(options.size), options.run.seed, architecture.channels
    loader = options.loader if weights is None else loader_of(weights, options.loader)
    feed = Feed(
        images,
        Pretraining(size, options.augment),
        seed=seed,
        loader=loader,
        channels=channels,
        repeats=options.repeats,
    )
    if options.target.normalize:
        reporter.message("A loss of about 1.0 is that of predicting the mean colour of each patch.")
    outcome = fit_with(
        options,
        Reconstruct(autoencoder(options, architecture, weights, reporter), seed=seed),
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


def autoencoder(
    options: Pretrain, architecture: Architecture, weights: Weights | None, reporter: Reporter
) -> Autoencoder:
    """The model drawn by the run's seed, with what the weights have for it."""
    encoder = options.encoder
    seed_everything(options.run.seed, "weights")
    model = Autoencoder(
        architecture,
        decoder=options.decoder,
        mask=options.mask,
        target=options.target,
        drop_path=encoder.drop_path,
        checkpointing=encoder.checkpointing,
    )
    start_from(weights, model, options, reporter)
    return model


def evaluations(
    options: Pretrain,
    read_by: tuple[Loader, int],
    images: ImageList,
    labelled: Labelled | None,
) -> list[Evaluation]:
    """What the monitor asks for."""
    monitor, seed = options.monitor, options.run.seed
    viewing = Viewing(
        size=sides(options.size),
        loader=read_by[0],
        channels=read_by[1],
        batch_size=64,
    )
    drawn, averaged = sample(images, monitor.pictures, seed), sample(images, monitor.images, seed)
    asked: list[Evaluation] = [
        Reconstructions(drawn, viewing, every=monitor.every, seed=seed),
        FeatureDistance(averaged, viewing, every=monitor.every),
    ]
    if labelled is not None:
        asked.append(Neighbours(*labelled, viewing, every=monitor.every))
    return asked
