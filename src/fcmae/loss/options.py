"""Options of the reconstruction target and of the contrastive loss."""

from dataclasses import dataclass
from typing import Literal

JOINT = 3
"""So many channels, of grey or colour, are normalised together as in the paper."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Pixels of the hidden patches (section 3.1 of the paper)."""

    normalize: bool = True
    """Normalise the pixels of each patch by that patch's own mean and variance."""

    groups: tuple[int, ...] | None = None
    """Channels that share the mean and variance of a patch: sizes of consecutive groups, such as
    3,1,1. By default all together up to three channels, as in the paper, and each alone of more,
    which may differ in scale."""

    over: Literal["hidden", "all"] = "hidden"
    """Which patches the error is averaged over: hidden ones, as in the paper, or all alike."""

    visible_weight: float = 0.0
    """Weight of the error on visible patches beside the error on hidden ones (paper: 0)."""

    @property
    def of_visible(self) -> bool:
        """True if visible patches have a part in the loss."""
        return self.over == "all" or self.visible_weight > 0

    def groups_of(self, channels: int) -> tuple[int, ...]:
        """Sizes of the groups of channels that are normalised together.

        Raises:
            ValueError: The groups are of another number of channels.
        """
        if self.groups is None:
            return (channels,) if channels <= JOINT else (1,) * channels
        if sum(self.groups) != channels:
            raise ValueError(
                f"target.groups is {self.groups}, which are {sum(self.groups)} channels, but "
                f"images have {channels}: give sizes that add up to {channels}."
            )
        return self.groups

    def __post_init__(self) -> None:
        if self.groups is not None and (not self.groups or min(self.groups) < 1):
            raise ValueError(
                f"target.groups is {self.groups}, but needs sizes of at least one channel each."
            )
        if self.over not in ("hidden", "all"):
            raise ValueError(f"target.over is {self.over!r}, but must be hidden or all.")
        if self.over == "all" and self.visible_weight:
            raise ValueError(
                f"target.visible_weight is {self.visible_weight}, but target.over all weighs all "
                "patches alike: leave one of them out."
            )
        if not 0 <= self.visible_weight < float("inf"):
            raise ValueError(
                f"target.visible_weight is {self.visible_weight}, but must be 0 or more."
            )


@dataclass(frozen=True, kw_only=True)
class ContrastOptions:
    """Contrastive loss between two views of an image (MoCo v3)."""

    temperature: float = 0.2
    """Divides the cosines before the softmax: the lower, the more the nearest other images
    count."""

    momentum: float = 0.99
    """Share of its weights that the momentum encoder keeps at the first step; it rises to 1 by half
    a cosine over the run."""

    def __post_init__(self) -> None:
        if not 0 < self.temperature < float("inf"):
            raise ValueError(
                f"contrast.temperature is {self.temperature}, but must be a number above 0."
            )
        if not 0 <= self.momentum <= 1:
            raise ValueError(f"contrast.momentum is {self.momentum}, but must be in [0, 1].")
