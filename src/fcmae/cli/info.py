"""``fcmae info``: what a model, or a weights file, is made of."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from rich.console import Console as Terminal

from fcmae.analysis.cost import cost
from fcmae.checkpoint.options import Source
from fcmae.checkpoint.report import Report, report_of
from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_places, show_table
from fcmae.evaluation.options import Tiling
from fcmae.model.options import DecoderOptions, Encoder, ModelName
from fcmae.model.response import Grn
from fcmae.notebook import Result
from fcmae.options.size import Size, divisible_sides, size_or
from fcmae.setup.nets import architecture_of, weights_or_none
from fcmae.setup.weights import size_name
from fcmae.setup.words import number


@dataclass(frozen=True, kw_only=True)
class Info:
    """Parameters and operations of a model or of a weights file; without either, of all models."""

    model: ModelName | None = None
    """Size of the encoder: ConvNeXt V2, or with v1- before it ConvNeXt V1."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights."""

    size: Size | None = None
    """Side in pixels of the images, or height,width, whose operations are counted; by default 224
    or what the weights were made for."""

    classes: int | None = None
    """Classes of the classifier that is counted; by default 1000 or what the weights have."""

    encoder: Encoder = Encoder()
    grn: Grn = Grn()
    decoder: DecoderOptions = DecoderOptions()
    source: Source = Source()

    def __post_init__(self) -> None:
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
        depths: Blocks of each stage.
        dims: Channels of each stage.
        channels: Channels of the images.
        stride: Pixels per position of the last stage; it must divide the size of images.
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
    stride: int
    size: tuple[int, int]
    classes: int
    weights: Path | None = None
    kind: str | None = None
    class_names: list[str] | None = None
    short_side: int | None = None
    tiling: Tiling | None = None
    licences: list[str] = field(default_factory=list)
    report: Report | None = None


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
    architecture = architecture_of(name, options.encoder, weights, grn=options.grn)
    size = divisible_sides(
        size_or(options.size, weights.size if weights else 224), architecture.stride
    )
    own = weights.description.get("num_classes") if weights else None
    classes = options.classes or own or 1000
    own_decoder = weights.description.get("decoder") if weights else None
    decoder = DecoderOptions(**own_decoder) if own_decoder else options.decoder
    counted = cost(architecture, size=size, num_classes=classes, decoder=decoder)
    return ModelInfo(
        model=size_name(architecture),
        parameters=counted.parameters,
        encoder_parameters=counted.encoder_parameters,
        decoder_parameters=counted.decoder_parameters,
        gflops=counted.gflops,
        depths=architecture.depths,
        dims=architecture.dims,
        channels=architecture.channels,
        stride=architecture.stride,
        size=size,
        classes=classes,
        weights=weights.path if weights else None,
        kind=weights.kind if weights else None,
        class_names=weights.classes if weights else None,
        short_side=weights.short_side if weights else None,
        tiling=weights.tiling if weights else None,
        licences=weights.licences if weights else [],
        report=report_of(weights.header) if weights else None,
    )


def show_info(result: ModelInfo | Family, terminal: Terminal) -> None:
    """One table."""
    models = result.models if isinstance(result, Family) else [result]
    columns = ("model", "parameters", "encoder", "decoder", "GFLOPs", "blocks", "channels")
    show_table(terminal, columns, [_row(model) for model in models])
    first = models[0]
    say(
        terminal,
        f"With {number(first.classes, 'class')}, for images of {first.size[0]} x {first.size[1]} "
        f"pixels with {number(first.channels, 'channel')}. Sizes must be multiples of "
        f"{first.stride}.",
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
