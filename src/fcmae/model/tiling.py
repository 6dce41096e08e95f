"""Windows through which a detector looks at large images."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Tiling:
    """Windows that a detector looks through.

    Attributes:
        size: Height and width of a window, in pixels.
        overlap: Share of a window that lies in the next one; objects up to that size are never cut
            by all windows that see them.
    """

    size: tuple[int, int]
    overlap: float = 0.25
