"""Parameters and operations of a model, counted in closed form from its architecture."""

from dataclasses import dataclass
from itertools import pairwise

from fcmae.model.options import Architecture, Decoder

NORM_OPERATIONS = 5
"""Operations of a block's LayerNorm per value. A multiply-add of a convolution or linear layer is
one operation, and nothing else counts: this is what fvcore sees in the authors' code, and the only
count that gives the paper's numbers for all sizes (Tiny is 4.47, and 4.46 without norms)."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a classifier, its encoder and the decoder it was pre-trained with cost.

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
    decoder: Decoder | None = None,
) -> Cost:
    """Count for images of ``size`` (height, width) in pixels."""
    encoder = encoder_parameters(architecture)
    width = architecture.dims[-1]
    return Cost(
        parameters=encoder + 2 * width + (width + 1) * num_classes,
        encoder_parameters=encoder,
        decoder_parameters=decoder_parameters(architecture, decoder or Decoder()),
        gflops=(encoder_operations(architecture, size) + width * num_classes) / 1e9,
    )


def encoder_parameters(architecture: Architecture) -> int:
    """Weights of the stem, the blocks and the downsampling layers."""
    first, pixels = architecture.dims[0], architecture.stem**2 * architecture.channels
    stem = (pixels + 1) * first + 2 * first
    downsamples = sum(2 * c + (4 * c + 1) * out for c, out in pairwise(architecture.dims))
    blocks = sum(
        depth * block_parameters(c, architecture.version)
        for depth, c in zip(architecture.depths, architecture.dims, strict=True)
    )
    return stem + downsamples + blocks


def block_parameters(channels: int, version: int = 2) -> int:
    """Depthwise kernel, norm, the two linear layers, and GRN (V2) or LayerScale (V1)."""
    depthwise, norm = 50 * channels, 2 * channels
    linear = (channels + 1) * 4 * channels + (4 * channels + 1) * channels
    return depthwise + norm + linear + (2 * 4 * channels if version == 2 else channels)


def decoder_parameters(architecture: Architecture, decoder: Decoder) -> int:
    """Projection, mask token, blocks and prediction."""
    width, pixels = decoder.width, architecture.stride**2 * architecture.channels
    projection = (architecture.dims[-1] + 1) * width
    return projection + width + decoder.depth * block_parameters(width) + (width + 1) * pixels


def encoder_operations(architecture: Architecture, size: tuple[int, int]) -> int:
    """Operations on all positions of one image, in the paper's count."""
    side, total, before = architecture.stem, 0, architecture.channels
    for stage, (depth, c) in enumerate(zip(architecture.depths, architecture.dims, strict=True)):
        positions = (size[0] // side) * (size[1] // side)
        kernel = 2 if stage else architecture.stem
        block = 49 * c + NORM_OPERATIONS * c + 2 * 4 * c * c
        total += positions * (kernel**2 * before * c + depth * block)
        side, before = 2 * side, c
    return total
