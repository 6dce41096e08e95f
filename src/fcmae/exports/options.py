"""Lists formats and what each of them can hold, without PyTorch."""

import importlib.util
from typing import Literal, get_args

from fcmae.errors import CheckpointError
from fcmae.flags import option
from fcmae.model.grn_options import Response
from fcmae.model.kinds import with_article
from fcmae.model.options import SIZES, Architecture

ExportFormat = Literal[
    "safetensors", "official", "timm", "huggingface", "torchvision", "onnx", "torch-export"
]
ModelPart = Literal[
    "classifier", "estimator", "segmenter", "detector", "encoder", "pyramid", "autoencoder"
]
"""What weights can be of; a contraster gives what it trains, its encoder."""
ExportPrecision = Literal["float32", "float16"]

HOLDS: dict[ExportFormat, tuple[ModelPart, ...]] = {
    "safetensors": get_args(ModelPart),
    "official": ("classifier", "encoder", "pyramid", "autoencoder"),
    "timm": ("classifier", "encoder"),
    "huggingface": ("classifier", "encoder", "pyramid"),
    "torchvision": ("classifier", "encoder"),
    "onnx": ("classifier", "estimator", "segmenter", "encoder", "pyramid", "autoencoder"),
    "torch-export": ("classifier", "estimator", "segmenter", "encoder", "pyramid", "autoencoder"),
}
"""The parts that each format has a place for."""

FILES: dict[ExportFormat, tuple[str, ...]] = {
    "safetensors": ("weights.safetensors",),
    "official": ("weights.pth",),
    "timm": ("model.safetensors", "config.json"),
    "huggingface": ("model.safetensors", "config.json", "preprocessor_config.json"),
    "torchvision": ("weights.pth",),
    "onnx": ("model.onnx", "model.onnx.data"),
    "torch-export": ("model.pt2",),
}
"""The files that each format may consist of beside README.md, the weights first."""

INSIDE: dict[str, tuple[ModelPart, ...]] = {
    "classifier": ("classifier", "encoder", "pyramid"),
    "estimator": ("estimator", "encoder", "pyramid"),
    "segmenter": ("segmenter", "pyramid", "encoder"),
    "detector": ("detector", "pyramid", "encoder"),
    "encoder": ("encoder", "pyramid"),
    "pyramid": ("pyramid", "encoder"),
    "autoencoder": ("autoencoder", "encoder", "pyramid"),
    "contraster": ("encoder", "pyramid"),
}
"""The parts that weights of each kind can give, the whole first."""

NAMED_LAYERS = ("official", "timm", "huggingface", "torchvision")
"""Formats whose libraries build the model anew."""

TORCHVISION = {"v1-tiny", "v1-small", "v1-base", "v1-large"}
NEEDED = {"onnx": ("onnx", "onnxscript", "onnxruntime")}


def part_of(kind: str, asked: ModelPart | None, format: ExportFormat) -> ModelPart:
    """Chooses the part to export: as asked, or the whole where the format holds it, or its encoder.

    Raises:
        ValueError: The format holds no such part.
        CheckpointError: The weights have no such part.
    """
    if asked is not None:
        check_holds(asked, format)
        if asked not in INSIDE[kind]:
            raise CheckpointError(
                f"part is {asked}, but the weights are of {with_article(kind)}, which gives "
                f"{_either(INSIDE[kind])}."
            )
        return asked
    parts = [part for part in INSIDE[kind] if part in HOLDS[format]]
    if not parts:
        raise CheckpointError(
            f"the weights are of {with_article(kind)}, but {format} holds {_either(HOLDS[format])} "
            f"only. {_those(INSIDE[kind][0])}"
        )
    return parts[0]


def check_holds(part: ModelPart, format: ExportFormat) -> None:
    """Refuse a part that a format has no place for, naming the formats that have."""
    if part not in HOLDS[format]:
        raise ValueError(f"{format} has no place for {with_article(part)}. {_those(part)}")


def check_architecture(
    architecture: Architecture, part: ModelPart, format: ExportFormat, decoder: str = "block"
) -> None:
    """Refuse a model that the other library cannot build.

    Args:
        architecture: The encoder's.
        part: What is to be written of the model.
        format: Where it should go.
        decoder: The kind of an autoencoder's decoder.
    """
    reason, name = "", named(architecture)
    if format in NAMED_LAYERS and architecture.grn != Response():
        reason = "in place of the paper's GRN (grn.*) it has a variant that only fcmae knows"
    if format == "official" and part == "autoencoder" and decoder != "block":
        fits = option("part", "encoder")
        reason = f"the authors' decoder is of kind block, not {decoder} ({fits} fits)"
    if format == "official" and architecture.stem != 4:
        reason = f"the authors' code has stems of 4 pixels only, not {architecture.stem}"
    elif format == "official" and part == "autoencoder" and architecture.version == 1:
        reason = "the authors pre-train ConvNeXt V2 only"
    if format == "timm" and architecture.stem == 2:
        reason = "timm halves the map once more after a stem of 2 pixels"
    if format == "torchvision" and name not in TORCHVISION:
        reason = f"torchvision has {', '.join(sorted(TORCHVISION))} only, not {name or 'this size'}"
    if format == "torchvision" and (architecture.stem, architecture.channels) != (4, 3):
        reason = (
            "torchvision has stems of 4 pixels and 3 channels only, not "
            f"{architecture.stem} and {architecture.channels}"
        )
    if format == "huggingface" and len(set(architecture.dims)) < len(architecture.dims):
        reason = "transformers leaves out what lies between two stages of the same width"
    if reason:
        raise CheckpointError(
            f"{format} cannot hold this model: {reason}. safetensors, onnx and torch-export hold "
            "every model."
        )


def check_installed(format: ExportFormat) -> None:
    """Refuse a format whose libraries are missing, at once."""
    absent = [name for name in NEEDED.get(format, ()) if importlib.util.find_spec(name) is None]
    if absent:
        raise ValueError(
            f'the format {format} needs {", ".join(absent)}: pip install "fcmae[export]", or '
            "take another format."
        )


def check_precision(
    precision: ExportPrecision, format: ExportFormat, part: ModelPart | None
) -> None:
    """Refuse float16 where only float32 is written."""
    if precision == "float16" and format != "onnx":
        raise ValueError(
            f"precision is float16, but {format} is written in float32; onnx has both."
        )
    if precision == "float16" and part == "autoencoder":
        raise ValueError(
            "precision is float16, but an autoencoder, which measures its input's patches, is "
            f"written in float32: leave {option('precision')} out, or give "
            f"{option('part', 'encoder')}."
        )


def named(architecture: Architecture) -> str | None:
    """The name of an architecture, such as ``v1-tiny``; None where it has none."""
    for name, shape in SIZES.items():
        if shape == (architecture.depths, architecture.dims):
            return ("v1-" if architecture.version == 1 else "") + name
    return None


def _those(part: ModelPart) -> str:
    formats = [format for format in get_args(ExportFormat) if part in HOLDS[format]]
    return f"Formats that hold {with_article(part)} are {', '.join(formats)}."


def _either(parts: tuple[ModelPart, ...]) -> str:
    first, *others = (with_article(part) for part in parts)
    return " or ".join([", ".join([first, *others[:-1]]), others[-1]] if others else [first])
