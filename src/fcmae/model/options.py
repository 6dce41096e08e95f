"""The family: names, sizes (the paper's table as data) and what else defines an encoder."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from fcmae.flags import option
from fcmae.model.grn_options import ALL_STAGES, Response

SIZES: dict[str, tuple[tuple[int, int, int, int], tuple[int, int, int, int]]] = {
    "atto": ((2, 2, 6, 2), (40, 80, 160, 320)),
    "femto": ((2, 2, 6, 2), (48, 96, 192, 384)),
    "pico": ((2, 2, 6, 2), (64, 128, 256, 512)),
    "nano": ((2, 2, 8, 2), (80, 160, 320, 640)),
    "tiny": ((3, 3, 9, 3), (96, 192, 384, 768)),
    "small": ((3, 3, 27, 3), (96, 192, 384, 768)),
    "base": ((3, 3, 27, 3), (128, 256, 512, 1024)),
    "large": ((3, 3, 27, 3), (192, 384, 768, 1536)),
    "xlarge": ((3, 3, 27, 3), (256, 512, 1024, 2048)),
    "huge": ((3, 3, 27, 3), (352, 704, 1408, 2816)),
}
"""Blocks per stage and width per stage of each size."""

ModelName = Literal[
    "atto", "femto", "pico", "nano", "tiny", "small", "base", "large", "xlarge", "huge",
    "v1-atto", "v1-femto", "v1-pico", "v1-nano", "v1-tiny", "v1-small", "v1-base", "v1-large",
    "v1-xlarge", "v1-huge",
]  # fmt: skip
"""A size is ConvNeXt V2; with ``v1-`` before it, ConvNeXt V1."""


COLOUR = 3
"""Channels of an encoder that nothing says more of."""


@dataclass(frozen=True, kw_only=True)
class EncoderOptions:
    """Options of an encoder beside its size."""

    channels: int | None = None
    """Channels of the images; by default those of the weights, or of the images to train on, or
    3."""

    stem: Literal[4, 2, 1] = 4
    """Side in pixels of the patches that the stem makes a position of. 2 or 1 suit small images:
    the total stride is 8 times this."""

    drop_path: float = 0.0
    """Stochastic depth at the last block; it rises linearly from 0 at the first."""

    checkpointing: bool = False
    """Recompute each block in the backward pass instead of keeping its activations."""

    @property
    def num_channels(self) -> int:
        """Channels of a new encoder; 3 where they are left out."""
        return COLOUR if self.channels is None else self.channels

    def __post_init__(self) -> None:
        if self.channels is not None and self.channels < 1:
            raise ValueError(f"encoder.channels is {self.channels}, but an image has at least one.")
        if self.stem not in (1, 2, 4):
            raise ValueError(f"encoder.stem is {self.stem}, but must be 4, 2 or 1.")
        if not 0 <= self.drop_path < 1:
            raise ValueError(f"encoder.drop_path is {self.drop_path}, but must be in [0, 1).")


DECODER_MULTIPLES = {"block": 1, "unet": 8, "unet-skip": 8, "transformer": 32}
"""What the width of each kind of decoder is a multiple of."""


@dataclass(frozen=True, kw_only=True)
class DecoderOptions:
    """The decoder of the autoencoder (table 1 of the paper); dropped after pre-training."""

    kind: Literal["block", "unet", "unet-skip", "transformer"] = "block"
    """ConvNeXt V2 blocks on the last stage's map; a U-Net back to the stem's map, which sees the
    last stage only or, by unet-skip, the features of every stage; or transformer blocks."""

    depth: int = 1
    """Number of blocks; those of a U-Net are at each of its four levels."""

    width: int = 512
    """Channels of the blocks; those of a U-Net halve at each level."""

    def __post_init__(self) -> None:
        if self.kind not in DECODER_MULTIPLES:
            kinds = ", ".join(DECODER_MULTIPLES)
            raise ValueError(f"decoder.kind is {self.kind!r}, but must be {kinds}.")
        if self.depth < 1 or self.width < 1:
            raise ValueError(
                f"decoder.depth is {self.depth} and decoder.width is {self.width}, "
                "but both must be at least 1."
            )
        if self.width % DECODER_MULTIPLES[self.kind]:
            raise ValueError(
                f"decoder.width is {self.width}, but must be a multiple of "
                f"{DECODER_MULTIPLES[self.kind]} for decoder.kind {self.kind}."
            )


@dataclass(frozen=True, kw_only=True)
class Projection:
    """The layers that contrastive learning puts on the encoder; dropped afterwards."""

    depth: int = 3
    """Layers of the projector (MoCo v3 for ViT: 3)."""

    predictor_depth: int = 2
    """Layers of the predictor, which only the trained encoder has."""

    hidden: int | None = None
    """Channels between layers; by default four times those of the encoder's last stage, at most
    4096, which is MoCo v3's number and what base gets."""

    width: int = 256
    """Channels of the vectors that are compared."""

    def __post_init__(self) -> None:
        for name in ("depth", "predictor_depth", "hidden", "width"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"projection.{name} is {value}, but must be at least 1.")

    def between(self, channels: int) -> int:
        """Channels between layers, behind an encoder of so many."""
        return self.hidden or min(4 * channels, 4096)


@dataclass(frozen=True, kw_only=True)
class UPerNet:
    """The head of segmentation (section A.4 of the paper)."""

    width: int = 512
    """Channels of the head, a multiple of 16."""

    auxiliary_width: int = 256
    """Channels of the auxiliary head on the third stage, a multiple of 16."""

    dropout: float = 0.1
    """Share of the channels left out before each head's classifier while training."""

    norm: Literal["group", "batch"] = "group"
    """Group normalises each image alone, so it works with any batch; batch is for weights made
    elsewhere."""

    def __post_init__(self) -> None:
        for name in ("width", "auxiliary_width"):
            if getattr(self, name) < 16 or getattr(self, name) % 16:
                raise ValueError(
                    f"head.{name} is {getattr(self, name)}, but must be a multiple of 16."
                )
        if not 0 <= self.dropout < 1:
            raise ValueError(f"head.dropout is {self.dropout}, but must be in [0, 1).")


@dataclass(frozen=True, kw_only=True)
class MaskRCNN:
    """The heads of the detector (section A.3 of the paper)."""

    width: int = 256
    """Channels of the feature pyramid network and of the heads."""

    anchor: int | None = None
    """Side in pixels of the smallest anchors, which doubles from level to level; by default 8 times
    the stem patch. Small objects need small ones."""

    proposals: int = 512
    """Proposals of each image that the heads learn from."""

    def __post_init__(self) -> None:
        for name in ("width", "anchor", "proposals"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"head.{name} is {value}, but must be at least 1.")

    def smallest_anchor(self, stem: int) -> int:
        """Side in pixels of the smallest anchors, on an encoder with such a stem."""
        return self.anchor or 8 * stem


@dataclass(frozen=True, kw_only=True)
class Suppression:
    """Non-maximum suppression of overlapping boxes."""

    method: Literal["soft", "hard"] = "soft"
    """soft lowers the scores of boxes that overlap a better one (soft-NMS, as in the paper); hard
    drops them."""

    iou: float = 0.5
    """Overlap, as intersection over union, from which on boxes are taken for the same object."""

    min_score: float = 0.05
    """Boxes of a lower score are not looked at."""

    most: int = 100
    """Most objects to find in an image, or in a tile of it."""

    def __post_init__(self) -> None:
        if self.method not in ("soft", "hard"):
            raise ValueError(f"suppression.method is {self.method!r}, but must be soft or hard.")
        for name in ("iou", "min_score"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"suppression.{name} is {getattr(self, name)}, but must be in [0, 1]."
                )
        if self.most < 1:
            raise ValueError(f"suppression.most is {self.most}, but must be at least 1.")


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Everything that fixes the shapes of an encoder's weights; saved beside them."""

    version: Literal[1, 2] = 2
    depths: tuple[int, int, int, int] = SIZES["atto"][0]
    dims: tuple[int, int, int, int] = SIZES["atto"][1]
    channels: int = 3
    stem: int = 4
    grn: Response = field(default_factory=Response)

    def __post_init__(self) -> None:
        if self.version == 1 and self.grn != Response():
            raise ValueError(
                f"ConvNeXt V1 has no GRN that {option('grn')} could change: leave it out, or take "
                "V2."
            )

    @property
    def stride(self) -> int:
        """Pixels per position of the last stage, along each side."""
        return 8 * self.stem


def check_recomputing(architecture: Architecture, *, checkpointing: bool) -> None:
    """Refuse to compute twice what counts what it sees."""
    if checkpointing and architecture.grn.kind == "batchnorm":
        raise ValueError(
            "encoder.checkpointing computes blocks twice, and grn.kind batchnorm would count each "
            f"batch twice in its running statistics: leave {option('encoder.checkpointing')} out."
        )


def architecture_from(fields: Mapping[str, Any]) -> Architecture:
    """The architecture of fields as JSON has them; what older files lack is as it was then."""
    found = {**fields, "depths": tuple(fields["depths"]), "dims": tuple(fields["dims"])}
    grn = fields.get("grn", {})
    stages = tuple(grn.get("stages", ALL_STAGES))
    return Architecture(**{**found, "grn": Response(**{**grn, "stages": stages})})


def architecture(name: str, *, channels: int = 3, stem: int = 4) -> Architecture:
    """The architecture of a name such as ``tiny`` or ``v1-tiny``."""
    if name not in get_args(ModelName):
        close = difflib.get_close_matches(name, get_args(ModelName), n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        raise ValueError(
            f"there is no model {name!r}.{hint} The names are {', '.join(SIZES)} (ConvNeXt V2), "
            "and the same with v1- before them (ConvNeXt V1)."
        )
    depths, dims = SIZES[name.removeprefix("v1-")]
    version: Literal[1, 2] = 1 if name.startswith("v1-") else 2
    return Architecture(version=version, depths=depths, dims=dims, channels=channels, stem=stem)
