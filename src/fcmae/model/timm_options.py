"""A net of timm, by all that has to be known to build it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

PREFIX = "timm:"
"""What stands before the name of such a net, or of its weights."""


def is_of_timm(model: str | None) -> bool:
    """True for the name of a net of timm."""
    return model is not None and model.startswith(PREFIX)


def check_not_frozen(net: "TimmArchitecture", stages: int) -> None:
    """Refuse to freeze stages of a net of timm, whose stages bear no common names."""
    if stages:
        raise ValueError(
            f"freeze_stages is {stages}, but {net} has no stages that could be told apart: leave "
            "it out."
        )


@dataclass(frozen=True, kw_only=True)
class TimmArchitecture:
    """Everything that fixes the shapes of a timm net's weights; saved beside them."""

    timm: str
    """Its name there, with the tag whose configuration it has: vit_base_patch16_224.mae."""

    channels: int = 3
    """Channels of the images."""

    size: tuple[int, int] | None = None
    """Height and width of the images, for nets that are built for one size; None for others."""

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "TimmArchitecture":
        """The net that the fields of a description name."""
        size = fields["size"]
        return cls(**{**fields, "size": None if size is None else tuple(size)})

    stem: ClassVar[int] = 4
    """Pixels per position of the finest map that detection and segmentation look at."""

    stride: ClassVar[int] = 32
    """Pixels per position of the coarsest such map."""

    def __str__(self) -> str:
        return PREFIX + self.timm
