"""Parameters and operations of a model, counted in closed form from its architecture."""

from dataclasses import dataclass
from itertools import pairwise

from fcmae.model.grn_options import REDUCTION, Response
from fcmae.model.options import Architecture, DecoderOptions

NORM_OPERATIONS = 5
"""Operations of a block's LayerNorm per value. A multiply-add of a convolution or linear layer is
one operation, and nothing else counts: this is what fvcore sees in the authors' code, and the only
count that gives the paper's numbers for all sizes (Tiny is 4.47, and 4.46 without norms)."""


SPATIAL = 7 * 7
"""Weights of CBAM's kernel for each of the two maps that it sees."""


@dataclass(frozen=True, kw_only=True)
class ModelCost:
    """Parameters and operations of a classifier, its encoder and its pre-training decoder.

    Attributes:
        parameters: Of the classifier: encoder, norm and head.
        encoder_parameters: Of the encoder alone.
        decoder_parameters: Of the decoder that pre-training adds and then drops.
        gflops: Billions of operations of the classifier for one image, in the paper's count.
    """

    parameters: int
    encoder_parameters: int
    decoder_parameters: int
    gflops: float


def cost(
    architecture: Architecture,
    *,
    size: tuple[int, int] = (224, 224),
    num_classes: int = 1000,
    decoder: DecoderOptions | None = None,
) -> ModelCost:
    """Count for images of ``size`` (height, width) in pixels."""
    encoder = encoder_parameters(architecture)
    width = architecture.dims[-1]
    return ModelCost(
        parameters=encoder + 2 * width + (width + 1) * num_classes,
        encoder_parameters=encoder,
        decoder_parameters=decoder_parameters(architecture, decoder or DecoderOptions()),
        gflops=(encoder_operations(architecture, size) + width * num_classes) / 1e9,
    )


def encoder_parameters(architecture: Architecture) -> int:
    """Weights of the stem, the blocks and the downsampling layers."""
    first, pixels = architecture.dims[0], architecture.stem**2 * architecture.channels
    stem = (pixels + 1) * first + 2 * first
    downsamples = sum(2 * c + (4 * c + 1) * out for c, out in pairwise(architecture.dims))
    blocks = sum(
        depth * block_parameters(c, architecture.version, architecture.grn.at(stage))
        for stage, (depth, c) in enumerate(
            zip(architecture.depths, architecture.dims, strict=True), start=1
        )
    )
    return stem + downsamples + blocks


def block_parameters(channels: int, version: int = 2, response: Response | None = None) -> int:
    """Depthwise kernel, norm, the two linear layers, and GRN (V2) or LayerScale (V1)."""
    depthwise, norm = 50 * channels, 2 * channels
    linear = (channels + 1) * 4 * channels + (4 * channels + 1) * channels
    last = response_parameters(4 * channels, response or Response()) if version == 2 else channels
    return depthwise + norm + linear + last


def response_parameters(channels: int, response: Response) -> int:
    """GRN, or what stands in its place."""
    inner = max(1, channels // REDUCTION)
    gate = (2 * channels + 1) * inner + channels
    of_kind = {"none": 0, "lrn": 0, "batchnorm": 2 * channels, "layernorm": 2 * channels}
    return {
        **of_kind,
        "grn": 2 * channels if response.affine else 0,
        "se": gate,
        "cbam": gate + 2 * SPATIAL + 1,
    }[response.kind]


def decoder_parameters(architecture: Architecture, decoder: DecoderOptions) -> int:
    """Projection, mask token, blocks and prediction."""
    if decoder.kind.startswith("unet"):
        return unet_parameters(architecture, decoder)
    width, pixels = decoder.width, architecture.stride**2 * architecture.channels
    projection = (architecture.dims[-1] + 1) * width
    blocks = decoder.depth * block_parameters(width)
    if decoder.kind == "transformer":
        # Two norms, attention, and a hidden layer of four times the width; a norm at the end.
        blocks = decoder.depth * (12 * width**2 + 13 * width) + 2 * width
    return projection + width + blocks + (width + 1) * pixels


def unet_parameters(architecture: Architecture, decoder: DecoderOptions) -> int:
    """Projections and mask tokens of the stages that enter, blocks and ways up, prediction."""
    widths = [decoder.width >> i for i in range(len(architecture.dims))]
    stages = 4 if decoder.kind == "unet-skip" else 1
    entering = list(zip(architecture.dims[::-1], widths, strict=True))[:stages]
    ups = sum(2 * c + (c + 1) * 4 * out for c, out in pairwise(widths))
    blocks = sum(decoder.depth * block_parameters(width) for width in widths)
    pixels = architecture.stem**2 * architecture.channels
    return sum((c + 2) * w for c, w in entering) + blocks + ups + (widths[-1] + 1) * pixels


def encoder_operations(architecture: Architecture, size: tuple[int, int]) -> int:
    """Operations on all positions of one image, in the paper's count."""
    side, total, before = architecture.stem, 0, architecture.channels
    for stage, (depth, c) in enumerate(zip(architecture.depths, architecture.dims, strict=True)):
        positions = (size[0] // side) * (size[1] // side)
        kernel = 2 if stage else architecture.stem
        block = 49 * c + NORM_OPERATIONS * c + 2 * 4 * c * c
        total += positions * (kernel**2 * before * c + depth * block)
        total += depth * response_operations(4 * c, positions, architecture.grn.at(stage + 1))
        side, before = 2 * side, c
    return total


def response_operations(channels: int, positions: int, response: Response) -> int:
    """Operations of what stands in GRN's place; by this count GRN itself has none."""
    gate = 2 * channels * max(1, channels // REDUCTION)
    return {
        "layernorm": NORM_OPERATIONS * channels * positions,
        "se": gate,
        "cbam": 2 * gate + 2 * SPATIAL * positions,
    }.get(response.kind, 0)
