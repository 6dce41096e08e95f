"""Options for looking at images of other sizes than those a model was trained on."""

from dataclasses import dataclass, replace
from typing import Literal

from fcmae.model.tiling import Tiling

SMALLEST_TILE = 16
"""The finest stride of an encoder in pixels; windows smaller than that show no object."""


@dataclass(frozen=True, kw_only=True)
class Scan:
    """Options for segmenting an image."""

    mode: Literal["whole", "slide"] = "whole"
    """Look at the whole image at once, or slide a window of the size of the training crops over it
    and average where windows overlap."""

    large: int = 4_000_000
    """Images of more pixels, at the size they are looked at, have windows slide over them in either
    mode, for memory grows with what is looked at at once: a million pixels take 0.4 GB with Atto
    and a head of width 128, 1.5 GB with Tiny and one of 512. fcmae predict (and predict in Python)
    also reads images that are larger than this by windows, and never holds them whole."""

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
        if self.large < 1:
            raise ValueError(f"scan.large is {self.large}, but must be at least 1.")
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
    whatever that is. Without it: as in training, where images are fitted whole unless this was
    given there."""

    overlap: float | None = None
    """Share of a window that lies in the next one; best as large as most objects. By default as in
    training, there 0.25."""

    def __post_init__(self) -> None:
        sides = (self.size,) if self.size is None or isinstance(self.size, int) else self.size
        if any(side is not None and side < SMALLEST_TILE for side in sides):
            raise ValueError(f"tiles.size is {self.size}, but must be at least {SMALLEST_TILE}.")
        if self.overlap is not None and not 0 <= self.overlap < 1:
            raise ValueError(f"tiles.overlap is {self.overlap}, but must be in [0, 1).")

    def tiling(
        self, trained: Tiling | None = None, *, fitted: int | tuple[int, int] | None = None
    ) -> Tiling | None:
        """The windows to look through; None where images are looked at whole.

        Args:
            trained: The windows of the training, where it had any.
            fitted: What images are to be fitted into, where that is asked for.

        Raises:
            ValueError: Windows and fitting are both asked for, or the overlap of no windows.
        """
        if self.size is not None and fitted is not None:
            raise ValueError(
                f"size is {fitted} and tiles.size is {self.size}, but an image is either fitted or "
                "looked at through windows: leave one of them out."
            )
        known = trained if fitted is None else None
        size = known.size if self.size is None and known else self.size
        if size is None:
            if self.overlap is not None:
                raise ValueError(
                    f"tiles.overlap is {self.overlap}, but there are no windows without "
                    "tiles.size: give the size of the windows, or leave both out."
                )
            return None
        height, width = (size, size) if isinstance(size, int) else size
        overlap = (known or Tiling).overlap if self.overlap is None else self.overlap
        return Tiling(size=(height, width), overlap=overlap)
