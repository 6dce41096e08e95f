"""Recognises a model by the shapes of its tensors, and gives the shapes of a model."""

import re
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from fcmae.checkpoint.formats.form import Shape
from fcmae.loss.options import Target
from fcmae.masking import Mask
from fcmae.model.options import Architecture, DecoderOptions

ContentKind = Literal["autoencoder", "classifier", "pyramid", "encoder"]
WIDTH_OF_STAGE = (
    r"encoder\.stages\.{}\.\d+\.(depthwise\.bias|norm\.\w+|contract\.bias|scale\.weight)"
)


@dataclass(frozen=True, kw_only=True)
class Contents:
    """Parts of a model that a file has weights of.

    Attributes:
        architecture: The encoder's.
        norm: Whether there is the norm before a head.
        num_classes: Length of the head's output.
        pyramid: Stages that have a norm of their own.
        decoder: The decoder's depth and width.
    """

    architecture: Architecture
    norm: bool = False
    num_classes: int | None = None
    pyramid: tuple[int, ...] = ()
    decoder: DecoderOptions | None = None

    @property
    def kind(self) -> ContentKind:
        """The largest model that there are all weights of."""
        if self.decoder is not None:
            return "autoencoder"
        if self.num_classes is not None:
            return "classifier"
        return "pyramid" if self.pyramid else "encoder"

    def description(self) -> dict[str, Any]:
        """The model, as ``fcmae.model.build.rebuild`` takes it."""
        found: dict[str, Any] = {"kind": self.kind, "architecture": asdict(self.architecture)}
        match self.kind:
            case "autoencoder":
                assert self.decoder is not None
                found |= {
                    "decoder": asdict(self.decoder),
                    "mask": asdict(Mask()),
                    "target": asdict(Target()),
                }
            case "classifier":
                found["num_classes"] = self.num_classes
            case "pyramid":
                found["stages"] = list(self.pyramid)
        return found


def contents_of(shapes: Mapping[str, Shape]) -> Contents:
    """Infer everything from names and shapes; whether they fit together is not looked at.

    Raises:
        ValueError: They do not tell.
    """
    head = shapes.get("head.weight", shapes.get("head.bias"))
    return Contents(
        architecture=_architecture(shapes),
        norm="head.weight" in shapes or any(name.startswith("norm.") for name in shapes),
        num_classes=None if head is None else head[0],
        pyramid=tuple(i for i in range(4) if any(n.startswith(f"norms.{i}.") for n in shapes)),
        decoder=_decoder(shapes),
    )


def shapes_of(contents: Contents) -> dict[str, Shape]:
    """Every tensor that such weights consist of, by our names."""
    return dict(_shapes(contents))


def _architecture(shapes: Mapping[str, Shape]) -> Architecture:
    blocks = [re.match(r"encoder\.stages\.(\d)\.(\d+)\.(\w+)", name) for name in shapes]
    found = [(int(match[1]), int(match[2]), match[3]) for match in blocks if match]
    parts = {part for _, _, part in found}
    if ("grn" in parts) == ("scale" in parts):
        both = "both" if "grn" in parts else "neither"
        raise ValueError(
            f"it has {both} GRN, which ConvNeXt V2 has, {'and' if both == 'both' else 'nor'} layer "
            "scale, which V1 has"
        )
    depths = [max((j for i, j, _ in found if i == stage), default=-1) + 1 for stage in range(4)]
    if 0 in depths:
        raise ValueError(f"stage {depths.index(0)} of the four has no blocks")
    stem = shapes.get("encoder.stem.weight", ())
    if len(stem) != 4 or stem[2] != stem[3] or stem[2] not in (1, 2, 4):
        got = f"has shape {list(stem)}" if stem else "is missing"
        raise ValueError(f"the stem's convolution {got}, but must be channels x 4 x 4 (or 2, or 1)")
    return Architecture(
        version=2 if "grn" in parts else 1,
        depths=cast(tuple[int, int, int, int], tuple(depths)),
        dims=cast(tuple[int, int, int, int], tuple(_width(shapes, i) for i in range(4))),
        channels=stem[1],
        stem=stem[2],
    )


def _width(shapes: Mapping[str, Shape], stage: int) -> int:
    """The width that most of a stage's tensors have."""
    pattern = re.compile(WIDTH_OF_STAGE.format(stage))
    widths = [shape[0] for name, shape in shapes.items() if shape and pattern.fullmatch(name)]
    if not widths:
        raise ValueError(f"nothing tells the width of stage {stage}")
    return statistics.mode(widths)


def _decoder(shapes: Mapping[str, Shape]) -> DecoderOptions | None:
    parts = [name for name in shapes if name.startswith("decoder.")]
    if not parts:
        return None
    width = shapes.get("decoder.mask_token") or shapes.get("decoder.projection.bias")
    if not width:
        raise ValueError("it has parts of a decoder, but neither mask token nor projection")
    blocks = [re.match(r"decoder\.blocks\.(\d+)\.", name) for name in parts]
    return DecoderOptions(
        depth=max((int(m[1]) for m in blocks if m), default=0) + 1, width=width[0]
    )


def _shapes(contents: Contents) -> Iterator[tuple[str, Shape]]:
    arch = contents.architecture
    yield from _layer("encoder.stem", arch.dims[0], arch.channels, arch.stem, arch.stem)
    yield from _norm("encoder.stem_norm", arch.dims[0])
    for i in range(3):
        yield from _norm(f"encoder.downsamples.{i}.norm", arch.dims[i])
        yield from _layer(f"encoder.downsamples.{i}.conv", arch.dims[i + 1], arch.dims[i], 2, 2)
    for i, (depth, width) in enumerate(zip(arch.depths, arch.dims, strict=True)):
        for j in range(depth):
            yield from _block(f"encoder.stages.{i}.{j}", width, arch.version)
    last = arch.dims[-1]
    if contents.norm:
        yield from _norm("norm", last)
    if contents.num_classes is not None:
        yield from _layer("head", contents.num_classes, last)
    for i in contents.pyramid:
        yield from _norm(f"norms.{i}", arch.dims[i])
    if contents.decoder is not None:
        width = contents.decoder.width
        yield "decoder.mask_token", (width,)
        yield from _layer("decoder.projection", width, last)
        for j in range(contents.decoder.depth):
            yield from _block(f"decoder.blocks.{j}", width, 2)
        yield from _layer("decoder.prediction", arch.stride**2 * arch.channels, width)


def _block(name: str, width: int, version: int) -> Iterator[tuple[str, Shape]]:
    yield from _layer(f"{name}.depthwise", width, 1, 7, 7)
    yield from _norm(f"{name}.norm", width)
    yield from _layer(f"{name}.expand", 4 * width, width)
    if version == 2:
        yield f"{name}.grn.gamma", (4 * width,)
        yield f"{name}.grn.beta", (4 * width,)
    yield from _layer(f"{name}.contract", width, 4 * width)
    if version == 1:
        yield f"{name}.scale.weight", (width,)


def _layer(name: str, *shape: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", shape
    yield f"{name}.bias", shape[:1]


def _norm(name: str, width: int) -> Iterator[tuple[str, Shape]]:
    yield f"{name}.weight", (width,)
    yield f"{name}.bias", (width,)
