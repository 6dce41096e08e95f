"""``fcmae export``: a trained model for other tools."""

from dataclasses import dataclass
from pathlib import Path

from fcmae.checkpoint.header import WEIGHTS
from fcmae.checkpoint.options import Source
from fcmae.checkpoint.published_names import named as published
from fcmae.cli.export.exported import Exported, ExportRequest, check_folder
from fcmae.cli.shared.console import Console
from fcmae.engine.folder import EXPORT
from fcmae.engine.lock import hold
from fcmae.exports.options import (
    ExportFormat,
    ExportPrecision,
    ModelPart,
    check_architecture,
    check_holds,
    check_installed,
    check_precision,
    part_of,
)
from fcmae.flags import option
from fcmae.options.size import Size
from fcmae.setup.nets import size_for
from fcmae.setup.weights import read_weights


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a model for timm, transformers, torchvision, ONNX Runtime or the authors' code.

    Labels, normalisation, size, licence and origin travel along, and a README.md tells of them.
    """

    weights: str
    """Folder of a run, weights file of fcmae or another library, or name of published weights, such
    as timm:convnextv2_tiny.fcmae."""

    format: ExportFormat
    """For whom: safetensors is fcmae's own file; official is the authors' code, and with a decoder
    their MinkowskiEngine form; huggingface is transformers; onnx and torch-export are graphs that
    run without fcmae."""

    out: Path | None = None
    """Folder to write; by default export/FORMAT beside the weights."""

    part: ModelPart | None = None
    """What to write; by default the whole model where the format holds it, else its encoder."""

    size: Size | None = None
    """Side in pixels of the images, or height,width, that are written down as the model's; by
    default what the weights were made for."""

    precision: ExportPrecision = "float32"
    """Type of the numbers in an ONNX file; inputs and outputs stay float32."""

    source: Source = Source()

    def __post_init__(self) -> None:
        if self.part is not None:
            check_holds(self.part, self.format)
        check_precision(self.precision, self.format, self.part)


@dataclass(frozen=True, kw_only=True)
class Convert:
    """Write a file of weights anew in the form of another library.

    The same as export, for weights that no run of fcmae has made.
    """

    weights: str
    """Weights file of fcmae or another library, or name of published weights."""

    out: Path
    """Folder to write."""

    to: ExportFormat
    """The form to write."""

    part: ModelPart | None = None
    """What to write; by default the whole model where the format holds it, else its encoder."""

    source: Source = Source()

    def __post_init__(self) -> None:
        if self.part is not None:
            check_holds(self.part, self.to)


def convert(options: Convert, console: Console) -> Exported:
    """Export to the form that is asked for."""
    return export(
        Export(
            weights=options.weights,
            format=options.to,
            out=options.out,
            part=options.part,
            source=options.source,
        ),
        console,
    )


def export(options: Export, console: Console) -> Exported:
    """Check what the weights say and what the format holds, then write."""
    check_installed(options.format)
    if options.out is None and published(options.weights) and not Path(options.weights).exists():
        raise ValueError(
            f"{options.weights} has no folder to write into: {option('out')} must be given."
        )
    weights = read_weights(options.weights, fetch=options.source)
    part = part_of(weights.kind, options.part, options.format)
    if weights.kind == "detector" and part != "detector":
        console.message(
            f"{options.format} gets the detector's {part} alone: how many boxes there are depends "
            "on the image, which no graph of ours can follow. fcmae.load(RUN).predict(image) runs "
            "all of it."
        )
    check_precision(options.precision, options.format, part)
    decoder = weights.description.get("decoder", {}).get("kind", "block")
    check_architecture(weights.architecture, part, options.format, decoder)
    size = size_for(options.size, weights)
    out = options.out or _beside(weights.path, options)
    check_folder(out, options.format)
    with hold(out):
        from fcmae.cli.export.wiring import write

        asked = ExportRequest(
            format=options.format, part=part, size=size, precision=options.precision
        )
        return write(weights, asked, out, console)


def _beside(weights: Path, options: Export) -> Path:
    """``export/FORMAT`` in the folder of the weights, or of other weights than the run's last."""
    name = options.format if options.precision == "float32" else f"{options.format}-float16"
    part = f"-{options.part}" if options.part else ""
    of = "" if weights.name == WEIGHTS else f"{weights.stem}-"
    return weights.parent / EXPORT / f"{of}{name}{part}"
