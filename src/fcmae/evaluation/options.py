"""How a trained model looks at images that are not as large as those it was trained on."""

from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Scan:
    """How an image is segmented."""

    mode: Literal["whole", "slide"] = "whole"
    """Look at the whole image at once, or slide a window of the size of the training crops over it
    and average where windows overlap."""

    overlap: float = 1 / 3
    """Share of a window that lies in the next one."""

    short_side: int | None = None
    """Shorter side in pixels that images are resized to first, or less if the longer one would be
    over four times as much; by default as in training (augment.short_side)."""

    scales: tuple[float, ...] = (1.0,)
    """Factors of that size at which the image is looked at; the probabilities are averaged."""

    flip: bool = False
    """Look at the mirrored image too, and average."""

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < 1:
            raise ValueError(f"scan.overlap is {self.overlap}, but must be in [0, 1).")
        if self.short_side is not None and self.short_side < 1:
            raise ValueError(f"scan.short_side is {self.short_side}, but must be at least 1.")
        if not self.scales or min(self.scales) <= 0:
            raise ValueError(
                f"scan.scales is {self.scales}, but must be one or more factors above 0."
            )

    def after(self, short_side: int | None) -> "Scan":
        """The same, with the shorter side that images had in training where none is given."""
        return self if self.short_side is not None else replace(self, short_side=short_side)


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """Windows through which a detector looks at images that are much larger than its objects."""

    size: int | tuple[int, int] | None = None
    """Side in pixels of the windows, or height,width; images are then looked at in their own size,
    whatever that is. By default as in training, there each image whole, resized to fit."""

    overlap: float | None = None
    """Share of a window that lies in the next one; best as large as most objects, by default 0.25.
    """

    def __post_init__(self) -> None:
        sides = (self.size,) if self.size is None or isinstance(self.size, int) else self.size
        if any(side is not None and side < 1 for side in sides):
            raise ValueError(f"tiles.size is {self.size}, but must be at least 1.")
        if self.overlap is not None and not 0 <= self.overlap < 1:
            raise ValueError(f"tiles.overlap is {self.overlap}, but must be in [0, 1).")

    def after(self, tile: tuple[int, int] | None) -> "Tiles":
        """The windows that are asked for, or those of the training.

        Raises:
            ValueError: There are none that could overlap.
        """
        chosen = self if self.size is not None else replace(self, size=tile)
        if chosen.size is None and self.overlap is not None:
            raise ValueError(
                f"tiles.overlap is {self.overlap}, but there are no windows without tiles.size: "
                "give the size of the windows, or leave both out."
            )
        return chosen

    @property
    def share(self) -> float:
        """How much of a window lies in the next one, given or by default."""
        return 0.25 if self.overlap is None else self.overlap
