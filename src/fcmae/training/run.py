"""One prologue for every training: from options to a run, and from the run to its result."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fcmae.data.image_list import ImageList
from fcmae.data.source import described, is_held
from fcmae.data.statistics import IMAGES, look_at
from fcmae.engine.folder import RunFolder
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter, Silent
from fcmae.options.fields import nested
from fcmae.setup.constant import tell_constant
from fcmae.setup.nets import weights_or_none
from fcmae.setup.preflight import TRIED, check_batch, check_channels, check_pictures
from fcmae.setup.statistics import decided, normalised
from fcmae.setup.understood import understood
from fcmae.setup.weights import card, loader_of
from fcmae.training.meaning import meaning_of
from fcmae.training.options import Result, TrainingOptions
from fcmae.training.result import Done
from fcmae.training.start import Prepared

if TYPE_CHECKING:
    from fcmae.training.parts import Parts


def train(options: TrainingOptions[Result], reporter: Reporter | None = None) -> Result:
    """Trains as the options say, or goes on where the same run was stopped.

    Args:
        options: Those of any task: ``Pretrain``, ``FinetuneSegment``, ...
        reporter: Shows the progress and messages; nothing by default.

    Raises:
        ValueError: Options do not fit each other.
        FcmaeError: Data, weights or the folder of the run cannot be used; the message says why.
    """
    start = prepare(options, reporter or Silent())
    with hold(options.out):
        return _run(options, start)


def prepare(options: TrainingOptions[Any], reporter: Reporter) -> Prepared:
    """Checks options, weights and images against each other, without PyTorch."""
    weights = weights_or_none(options.weights, options.source, reporter)
    net = options.choose_net(weights)
    if weights is not None and options.adapt is None:
        loader_of(weights, options.loader)  # refuses values that contradict the weights
    images = options.find(reporter).by_plane(options.loader)
    tried = images.at_hand(TRIED)
    seen = None
    if options.encoder.channels is None and (weights is None or options.adapt is not None):
        seen = look_at(tried, options.loader.reading)
        net = replace(net, channels=seen.number)
    check_channels(options.loader, net.channels)
    check_batch(
        len(images.train),
        batch_size=options.optim.batch_size,
        data=options.data,
        repeats=images.repeats,
    )
    check_pictures(tried, loader=options.loader, channels=net.channels)
    if images.val is not None:
        check_pictures(images.val, loader=options.loader, channels=net.channels, tiled=images.tiled)
    if isinstance(images.train, ImageList):
        for sentence in understood(images.train, images.val):
            reporter.message(sentence)
    loader = normalised(
        options.loader,
        images.at_hand(IMAGES),
        channels=net.channels,
        weights=weights,
        reporter=reporter,
        seen=seen,
    )
    tell_constant(loader, tried, channels=net.channels, reporter=reporter)
    return Prepared(
        net=net,
        weights=weights,
        data={**images.decided, **decided(options.loader, loader)},
        images=images,
        loader=loader,
        reporter=reporter,
    )


def _run(options: TrainingOptions[Result], start: Prepared) -> Result:
    """Builds the parts of a training, runs it, and reads its result."""
    from fcmae.engine.fit import fit
    from fcmae.randomness import seed_everything

    seed_everything(options.run.seed, "weights")
    parts = options.parts(start)
    metadata = card(
        size=options.weights_size,
        loader=start.loader,
        channels=start.channels,
        classes=start.images.classes or None,
        weights=start.weights,
    )
    outcome = fit(
        parts.task,
        parts.feed,
        optim=options.optim,
        run=options.run,
        out=options.out,
        command=options.command,
        evaluations=parts.evaluations,
        record=_record(options, parts),
        meaning=meaning_of(type(options), start),
        card={**metadata, **parts.facts},
        reporter=start.reporter,
        best=parts.best,
    )
    return options.result(
        Done(
            folder=RunFolder(options.out),
            images=start.images,
            weights=outcome.weights,
            steps=outcome.steps,
            epochs=outcome.epochs,
            metrics=outcome.metrics,
            best=outcome.best.value if outcome.best else None,
        )
    )


def _record(options: TrainingOptions[Any], parts: "Parts") -> dict[str, Any]:
    """The options as the run's folder keeps them; images that are no files by their fingerprint."""
    record = nested(options)
    if is_held(options.data):
        record["data"] = f"{described(options.data)}, fingerprint {parts.feed.fingerprint[:16]}"
    return record
