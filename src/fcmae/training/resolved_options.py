"""What the options of a training leave open, and what a start of it decided."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_args, runtime_checkable

from fcmae.checkpoint.options import Rule
from fcmae.data.options import Loader
from fcmae.engine.options import Run
from fcmae.model.options import Architecture, Encoder, ModelName, architecture
from fcmae.model.response import Grn, Response
from fcmae.model.timm_options import PREFIX, TimmArchitecture
from fcmae.optim.options import Optim
from fcmae.setup.weights import Weights, size_name

Net = Architecture | TimmArchitecture


@runtime_checkable
class Training(Protocol):
    """The options that every training has."""

    @property
    def out(self) -> Path:
        """Folder of the run."""

    @property
    def weights(self) -> str | None:
        """What to start from."""

    @property
    def adapt(self) -> Rule | None:
        """How the stem becomes one for other channels."""

    @property
    def model(self) -> str | None:
        """Name of the encoder."""

    @property
    def encoder(self) -> Encoder:
        """What else defines it."""

    @property
    def grn(self) -> Grn:
        """What its blocks have for GRN."""

    @property
    def optim(self) -> Optim:
        """Optimizer and schedule."""

    @property
    def loader(self) -> Loader:
        """How images are read."""

    @property
    def run(self) -> Run:
        """Where and how it runs."""


Options = TypeVar("Options", bound=Training)


@dataclass(frozen=True, kw_only=True)
class Start:
    """What a start of a training has come to.

    Attributes:
        net: Its encoder.
        weights: What it starts from; None from scratch.
        data: What the data decide for options that are left out, by dotted name.
    """

    net: Net
    weights: Weights | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


def spelt_out(options: Options, start: Start | None) -> Options:
    """The same with a value for whatever every training may leave open.

    Weights are no part of what runs are compared by: they are read when a run begins, and may be
    elsewhere when it goes on. So where options leave to weights what they are of (model, channels,
    stem, GRN, normalisation), they are taken to mean those of this start, whenever they were given;
    a start without weights stands for them by its own encoder.

    Args:
        options: Those of this start, or of one before.
        start: What this start has come to; None leaves open what weights decide.
    """
    run, optim = options.run, options.optim
    if run.micro_batch is not None and run.micro_batch >= optim.batch_size:
        run = replace(run, micro_batch=None)
    optim = replace(optim, warmup_epochs=optim.warmup)
    known: dict[str, Any] = {"optim": optim, "run": run, "loader": _loader(options, start)}
    net = net_of(options, start)
    if net is not None:
        known |= {"model": options.model or _name(net), "encoder": _encoder(options, net)}
    if isinstance(net, Architecture):
        known |= {"grn": Grn(**asdict(net.grn))}
    changed: Any = options
    spelt: Options = replace(changed, **known)
    return spelt


def net_of(options: Training, start: Start | None) -> Net | None:
    """The encoder that options come to; None where weights tell and there is no start."""
    if options.weights is None:
        name, of = options.model or "atto", options.encoder
        if name.startswith(PREFIX):
            return TimmArchitecture(timm=name.removeprefix(PREFIX), channels=of.channels)
        new = architecture(name, channels=of.channels, stem=of.stem)
        return replace(new, grn=options.grn.over(new.grn))
    if start is None or isinstance(start.net, TimmArchitecture):
        return None if start is None else start.net
    theirs = start.net if start.weights is None else start.weights.net
    response = theirs.grn if isinstance(theirs, Architecture) else Response()
    return replace(start.net, grn=options.grn.over(response))


def encoder_of(options: Training, start: Start | None) -> Architecture | None:
    """The same, where it is an encoder of ours."""
    net = net_of(options, start)
    return net if isinstance(net, Architecture) else None


def _name(net: Net) -> str | None:
    """What the option for it is; None for sizes without a name."""
    if isinstance(net, TimmArchitecture):
        return str(net)
    name = size_name(net)
    return name if name in get_args(ModelName) else None


def _encoder(options: Training, net: Net) -> Encoder:
    """Channels and stem of the net where they are left at their defaults."""
    encoder = options.encoder
    if encoder.channels == Encoder.channels and options.adapt is None:
        encoder = replace(encoder, channels=net.channels)
    if encoder.stem == Encoder.stem and isinstance(net, Architecture):
        stem: Any = net.stem
        encoder = replace(encoder, stem=stem)
    return encoder


def _loader(options: Training, start: Start | None) -> Loader:
    """The normalisation of the weights where it is left at its default."""
    loader = options.loader
    weights = None if options.weights is None or start is None else start.weights
    if weights is None or weights.mean is None or weights.std is None:
        return loader
    if (loader.mean, loader.std) != (Loader.mean, Loader.std):
        return loader
    return replace(loader, mean=weights.mean, std=weights.std)
