"""Options and results of timing how images are read."""

from dataclasses import dataclass, field
from pathlib import Path

from fcmae.data.options import Crop, Loader
from fcmae.notebook import Result
from fcmae.options.size import sides

WAYS = ("torchvision", "exact", "fitting", "packed")
"""ImageFolder with RandomResizedCrop; our definition; what training does; the same from a pack."""


@dataclass(frozen=True, kw_only=True)
class BenchInput:
    """Time reading, cropping and normalising of image files, next to torchvision's ImageFolder.

    First the pixels of fitting and exact decoding are compared; then the ways take turns, batch by
    batch. What counts is the time of one core, which other programs hardly change.
    """

    data: Path
    """Folder of images, read recursively, or a .txt or .csv list."""

    packed: Path | None = None
    """The same images in a file made by `fcmae pack`, to be timed too."""

    size: list[int] = field(default_factory=lambda: [224])
    """Sides of the crops in pixels."""

    repeats: list[int] = field(default_factory=lambda: [1])
    """Crops per decoded image. Torchvision decodes anew for each."""

    batch_size: int = 8
    """Images per batch."""

    batches: int = 40
    """How many batches each way makes; the median counts. A first one is not counted."""

    table: Path | None = None
    """Table to write the rows to (.csv, .parquet or .npz), with processor, versions and commit."""

    augment: Crop = Crop()
    loader: Loader = Loader()

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("batches", 2)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least {least}.")
        for repeats in self.repeats:
            if repeats < 1:
                raise ValueError(f"repeats is {repeats}, but must be at least 1.")
        for size in self.size:
            sides(size)


@dataclass(frozen=True, kw_only=True)
class InputRow:
    """One setting.

    Attributes:
        size: Side of the crops in pixels.
        repeats: Crops per decoded image.
        images: Files that took part.
        left_out: Files that not every way could read.
        per_s: Crops per second of one core, by way.
        speedup: How many times faster than torchvision, by way: the median over pairs of batches.
        spread: The quarter and three quarter points of those ratios, by way.
        psnr: Of fitting against exact decoding in dB: the median over images.
        least_psnr: The lowest of them.
    """

    size: int
    repeats: int
    images: int
    left_out: int
    per_s: dict[str, float]
    speedup: dict[str, float]
    spread: dict[str, tuple[float, float]]
    psnr: float
    least_psnr: float


@dataclass(frozen=True, kw_only=True)
class InputBench(Result):
    """All settings, and what they were timed on.

    Attributes:
        data: The files.
        device: Name of the processor.
        versions: Of the libraries that matter.
        rows: One per setting.
    """

    data: Path
    device: str
    versions: dict[str, str]
    rows: list[InputRow]
