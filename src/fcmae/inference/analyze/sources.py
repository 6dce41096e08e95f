"""The nets to look into, checked before PyTorch is imported."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from fcmae.data.options import Loader
from fcmae.engine.report import Reporter
from fcmae.errors import CheckpointError
from fcmae.inference.analyze.options import Analyze
from fcmae.model.options import Architecture, EncoderOptions, ModelName
from fcmae.model.timm_options import PREFIX, TimmArchitecture
from fcmae.options.size import size_or
from fcmae.setup.nets import net_at, net_of
from fcmae.setup.preflight import check_channels
from fcmae.setup.weights import Weights, loader_of, read_weights

RANDOM = "random:"
"""What may stand before the name of a model that is to have random weights."""


@dataclass(frozen=True, kw_only=True)
class NetSource:
    """A net to look into, checked without PyTorch.

    Attributes:
        name: What it is called in pictures.
        weights: Its weights; None for random ones.
        net: What its encoder is: one of ours, or a net of timm, built for this size.
        size: Height and width of the images.
        loader: With the mean and deviation that it knows.
    """

    name: str
    weights: Weights | None
    net: Architecture | TimmArchitecture
    size: tuple[int, int]
    loader: Loader


def net_source(
    source: str, options: Analyze, reporter: Reporter, *, beside: NetSource | None = None
) -> NetSource:
    """The net of this name, with its images; beside another one, with those of the other."""
    model = random_model(source)
    weights = None if model else read_weights(source, fetch=options.source, reporter=reporter)
    net = net_of(model, _encoder(options, model, beside), weights)
    check_channels(options.loader, net.channels)
    wanted = size_or(options.size, 224 if weights is None else weights.size)
    size, net = net_at(beside.size if beside else wanted, net)
    return NetSource(
        name=f"{model} (random)" if model else _name(source),
        weights=weights,
        net=net,
        size=size,
        loader=options.loader if weights is None else loader_of(weights, options.loader),
    )


def _name(source: str) -> str:
    """Name of a net in pictures and tables: its folder or file, or what it was published as."""
    path = Path(source)
    return (path.absolute() if path.exists() else path).name


def random_model(source: str) -> str | None:
    """The model that is to have random weights; None where the source names weights."""
    if Path(source).exists():
        return None
    if source.startswith(RANDOM):
        return source.removeprefix(RANDOM)
    return source if source in get_args(ModelName) else None


def _encoder(options: Analyze, model: str | None, beside: NetSource | None) -> EncoderOptions:
    """Channels and stem of a net; a random one beside another one takes after it."""
    if beside is None:
        return options.encoder
    if model is None:
        return EncoderOptions()
    if isinstance(beside.net, TimmArchitecture) or model.startswith(PREFIX):
        return EncoderOptions(channels=beside.net.channels)
    stem: Any = beside.net.stem
    return EncoderOptions(channels=beside.net.channels, stem=stem)


def other_source(source: str, first: NetSource, options: Analyze, reporter: Reporter) -> NetSource:
    """The net to compare with, which must take the same images."""
    other = net_source(source, options, reporter, beside=first)
    if other.net.channels != first.net.channels:
        raise CheckpointError(
            f"compare is {source}, which takes images of {other.net.channels} channels, "
            f"but {first.name} takes {first.net.channels}: give a net for the same images."
        )
    if other.name != first.name:
        return other
    return replace(other, name="/".join(Path(source).parts[-2:]) + " (compared)")
