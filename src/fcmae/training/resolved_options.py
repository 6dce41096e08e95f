"""Resolves the options of a training: values for those that weights, data or defaults decide."""

from dataclasses import asdict, replace
from typing import Any, TypeVar, get_args

from fcmae.data.options import Loader
from fcmae.model.grn_options import Grn, Response
from fcmae.model.net_options import NetArchitecture
from fcmae.model.options import Architecture, EncoderOptions, ModelName, architecture
from fcmae.model.timm_options import PREFIX, TimmArchitecture
from fcmae.setup.statistics import is_data, is_given
from fcmae.setup.weights import size_name
from fcmae.training.net_source import is_module
from fcmae.training.options import TrainingOptions
from fcmae.training.start import Net, Start

Options = TypeVar("Options", bound=TrainingOptions[Any])


def resolved(options: Options, start: Start | None) -> Options:
    """Returns the options with a value for each that was left out.

    Weights are no part of what runs are compared by: they are read when a run begins, and may be
    elsewhere when it goes on. So where options leave to weights what they are of (model, channels,
    stem, GRN, normalisation), they are taken to mean those of this start, whenever they were given;
    a start without weights stands for them by its own encoder.

    Args:
        options: Those of this start, or of one before.
        start: The start, which tells what weights and data decide; None leaves that open.
    """
    run, optim = options.run, options.optim
    if run.micro_batch is not None and run.micro_batch >= optim.batch_size:
        run = replace(run, micro_batch=None)
    optim = replace(optim, warmup_epochs=optim.warmup)
    known: dict[str, Any] = {"optim": optim, "run": run, "loader": _loader(options, start)}
    net = resolved_net(options, start)
    if net is not None:
        known |= {"model": options.model or _name(net), "encoder": _encoder(options, net)}
    if isinstance(net, Architecture):
        known |= {"grn": Grn(**asdict(net.grn))}
    return replace(options, **known).decided(net, {} if start is None else start.data)


def resolved_net(options: TrainingOptions[Any], start: Start | None) -> Net | None:
    """Returns the encoder of the options.

    None where weights decide it and there is no start, and for a module of the user's.
    """
    if options.weights is None:
        if is_module(options.model):
            return None
        name, of = options.model or "atto", options.encoder
        channels = of.channels or (of.num_channels if start is None else start.net.channels)
        if name.startswith(PREFIX):
            return TimmArchitecture(timm=name.removeprefix(PREFIX), channels=channels)
        new = architecture(name, channels=channels, stem=of.stem)
        return replace(new, grn=options.grn.over(new.grn))
    if start is None or isinstance(start.net, NetArchitecture):
        return None
    if isinstance(start.net, TimmArchitecture):
        return start.net
    theirs = start.net if start.weights is None else start.weights.net
    response = theirs.grn if isinstance(theirs, Architecture) else Response()
    return replace(start.net, grn=options.grn.over(response))


def _name(net: Net) -> str | None:
    """The value of ``--model`` for a net; None for sizes without a name."""
    if isinstance(net, TimmArchitecture):
        return str(net)
    name = size_name(net)
    return name if name in get_args(ModelName) else None


def _encoder(options: TrainingOptions[Any], net: Net) -> EncoderOptions:
    """Channels and stem of the net where they are left at their defaults."""
    encoder = options.encoder
    if encoder.channels is None and options.adapt is None:
        encoder = replace(encoder, channels=net.channels)
    if encoder.stem == EncoderOptions.stem and isinstance(net, Architecture):
        stem: Any = net.stem
        encoder = replace(encoder, stem=stem)
    return encoder


def _loader(options: TrainingOptions[Any], start: Start | None) -> Loader:
    """Statistics of the data or the weights where they are left out."""
    loader = options.loader
    data = {} if start is None else start.data
    if "loader.nodata" in data and loader.nodata is None:
        loader = replace(loader, nodata=data["loader.nodata"])
    if "loader.mean" in data and not is_given(loader):
        return replace(loader, mean=data["loader.mean"], std=data["loader.std"])
    weights = None if options.weights is None or start is None else start.weights
    if weights is None or weights.card.mean is None or weights.card.std is None:
        return loader
    if is_given(loader) or is_data(loader):
        return loader
    return replace(loader, mean=weights.card.mean, std=weights.card.std)
