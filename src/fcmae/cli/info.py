"""``fcmae info``: what a model, or a weights file, is made of."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from rich.console import Console as Terminal

from fcmae.analysis.cost import ModelCost, cost
from fcmae.checkpoint.options import Source
from fcmae.checkpoint.report import LoadReport, report_of
from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_places, show_table
from fcmae.model.grn_options import Grn
from fcmae.model.kinds import Net
from fcmae.model.options import Architecture, DecoderOptions, EncoderOptions, ModelName
from fcmae.model.tiling import Tiling
from fcmae.notebook import Result
from fcmae.options.size import Size, size_or
from fcmae.setup.nets import check_model, net_at, net_of, weights_or_none
from fcmae.setup.weights import size_name
from fcmae.setup.words import number


@dataclass(frozen=True, kw_only=True)
class Info:
    """Parameters and operations of a model or of a weights file; without either, of all models."""

    model: str | None = None
    """Size of the encoder, such as tiny (ConvNeXt V2) or v1-tiny (V1), or timm:NAME for a net of
    timm."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights."""

    size: Size | None = None
    """Side in pixels of the images, or height,width, whose operations are counted; by default 224
    or what the weights were made for."""

    classes: int | None = None
    """Classes of the classifier that is counted; by default 1000 or what the weights have."""

    encoder: EncoderOptions = EncoderOptions()
    grn: Grn = Grn()
    decoder: DecoderOptions = DecoderOptions()
    source: Source = Source()

    def __post_init__(self) -> None:
        check_model(self.model)
        if self.classes is not None and self.classes < 1:
            raise ValueError(f"classes is {self.classes}, but must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class ModelInfo(Result):
    """Parts, parameters and cost of a model.

    Attributes:
        model: Its name.
        parameters: Of the classifier: encoder, norm and head.
        encoder_parameters: Of the encoder alone.
        decoder_parameters: Of the decoder that pre-training adds and then drops.
        gflops: Billions of multiply-adds of the classifier for one image, as the paper counts.
        depths: Blocks of each stage; none for a net of timm.
        dims: Channels of each stage; of a net of timm those of its features.
        channels: Channels of the images.
        stride: Pixels per position of the last stage, which must divide the size of images; None
            for a net of timm.
        size: Height and width of the images counted.
        classes: Classes counted.
        weights: The weights file.
        kind: What it holds: an encoder, an autoencoder or a classifier.
        class_names: Names of its classes.
        short_side: Shorter side in pixels that a segmenter's images are resized to, where they are.
        tiling: Windows that a detector looks through, where it does.
        licences: Terms that what is made of the weights is under.
        report: What becomes of every tensor of the file.
    """

    model: str
    parameters: int
    encoder_parameters: int
    decoder_parameters: int
    gflops: float
    depths: tuple[int, ...]
    dims: tuple[int, ...]
    channels: int
    stride: int | None
    size: tuple[int, int]
    classes: int
    weights: Path | None = None
    kind: str | None = None
    class_names: list[str] | None = None
    short_side: int | None = None
    tiling: Tiling | None = None
    licences: list[str] = field(default_factory=list)
    report: LoadReport | None = None


@dataclass(frozen=True, kw_only=True)
class Family(Result):
    """All models."""

    models: list[ModelInfo] = field(default_factory=list)


def info(options: Info, console: Console) -> ModelInfo | Family:
    """Count without building anything."""
    if options.model is None and options.weights is None:
        names = get_args(ModelName)
        return Family(models=[_info(options, name, console) for name in names])
    return _info(options, options.model, console)


def _info(options: Info, name: str | None, console: Console) -> ModelInfo:
    weights = weights_or_none(options.weights, options.source, console)
    net = net_of(name, options.encoder, weights, grn=options.grn)
    size, net = net_at(size_or(options.size, weights.size if weights else 224), net)
    own = weights.description.get("num_classes") if weights else None
    classes = options.classes or own or 1000
    own_decoder = weights.description.get("decoder") if weights else None
    decoder = DecoderOptions(**own_decoder) if own_decoder else options.decoder
    depths, dims, counted = _counted(net, size=size, num_classes=classes, decoder=decoder)
    return ModelInfo(
        model=size_name(net) if isinstance(net, Architecture) else str(net),
        parameters=counted.parameters,
        encoder_parameters=counted.encoder_parameters,
        decoder_parameters=counted.decoder_parameters,
        gflops=counted.gflops,
        depths=depths,
        dims=dims,
        channels=net.channels,
        stride=net.stride if isinstance(net, Architecture) else None,
        size=size,
        classes=classes,
        weights=weights.path if weights else None,
        kind=weights.kind if weights else None,
        class_names=weights.classes if weights else None,
        short_side=weights.card.short_side if weights else None,
        tiling=weights.card.tiling if weights else None,
        licences=weights.licences if weights else [],
        report=report_of(weights.header) if weights and weights.header.net is None else None,
    )


def _counted(
    net: Net, *, size: tuple[int, int], num_classes: int, decoder: DecoderOptions
) -> tuple[tuple[int, ...], tuple[int, ...], ModelCost]:
    """Blocks and channels of each stage, and what the net costs."""
    if isinstance(net, Architecture):
        counted = cost(net, size=size, num_classes=num_classes, decoder=decoder)
        return net.depths, net.dims, counted
    from fcmae.analysis.net_cost import net_cost

    counted = net_cost(net, size=size, num_classes=num_classes, decoder=decoder)
    return (), ((counted.parameters - counted.encoder_parameters) // num_classes - 1,), counted


def show_info(result: ModelInfo | Family, terminal: Terminal) -> None:
    """One table."""
    models = result.models if isinstance(result, Family) else [result]
    columns = ("model", "parameters", "encoder", "decoder", "GFLOPs", "blocks", "channels")
    show_table(terminal, columns, [_row(model) for model in models])
    first = models[0]
    say(
        terminal,
        f"With {number(first.classes, 'class')}, for images of {first.size[0]} x {first.size[1]} "
        f"pixels with {number(first.channels, 'channel')}."
        + ("" if first.stride is None else f" Sizes must be multiples of {first.stride}."),
    )
    if first.kind is not None:
        say(terminal, f"  kind      {first.kind}")
        show_places(terminal, weights=first.weights)
    if first.report is not None:
        say(terminal, "\n".join(f"  {line}" for line in first.report.lines()))
    if first.class_names is not None:
        say(terminal, f"  classes   {', '.join(first.class_names[:20])}")
    if first.kind == "segmenter":
        resized = f"to a short side of {first.short_side} pixels" if first.short_side else "no"
        say(terminal, f"  resized   {resized}")
    if first.tiling is not None:
        height, width = first.tiling.size
        shared = f"{first.tiling.overlap:.0%} of each in the next"
        say(terminal, f"  windows   {height} x {width} pixels (height x width), {shared}")


def _row(model: ModelInfo) -> tuple[str, ...]:
    return (
        model.model,
        f"{model.parameters:,}",
        f"{model.encoder_parameters:,}",
        f"{model.decoder_parameters:,}",
        f"{model.gflops:.2f}",
        "-".join(map(str, model.depths)),
        "-".join(map(str, model.dims)),
    )
