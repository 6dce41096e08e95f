"""``fcmae predict segment``: the class of every pixel, as masks, overlays and polygons."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from rich.console import Console as Terminal

from fcmae.cli.options.compute import Compute
from fcmae.cli.options.size import Size
from fcmae.cli.shared.card import loader_of, read_weights
from fcmae.cli.shared.console import Console
from fcmae.cli.shared.nets import size_for
from fcmae.cli.shared.places import check_apart, check_no_run
from fcmae.cli.shared.show import number, say, share, show_places, show_table, show_unusable
from fcmae.cli.shared.sources import find_all
from fcmae.data.options import Loader
from fcmae.engine.lock import hold
from fcmae.evaluation.options import Scan

Form = Literal["masks", "overlays", "polygons"]


@dataclass(frozen=True, kw_only=True)
class PredictSegment:
    """Name the class of every pixel: masks, overlays with a legend, polygons."""

    data: list[Path]
    """Images, folders (read recursively) and .txt or .csv lists, one or several."""

    weights: Path
    """Folder of a run of fcmae finetune segment, or weights file."""

    out: Path
    """Folder to write to, with a folder inside for each form; what an earlier call wrote there is
    replaced."""

    write: list[Form] = field(default_factory=lambda: ["masks", "overlays"])
    """What to write: masks (PNG of class indices, with colours), overlays (the classes over the
    image), polygons (GeoJSON, in pixels from the upper left corner)."""

    large: int = 16_000_000
    """Images of more pixels are never whole in memory. They are read and segmented by windows at
    their own size, so that memory holds one row of windows (scan.scales and scan.flip hold for each
    window); with scan.short_side, or weights trained so, they are reduced while they are read, and
    looked at whole. Their overlays are reduced."""

    size: Size | None = None
    """Side in pixels of the windows where they slide, or height,width; by default that of the
    training crops."""

    scan: Scan = Scan()
    loader: Loader = Loader()
    run: Compute = Compute()

    def __post_init__(self) -> None:
        if self.large < 1:
            raise ValueError(f"large is {self.large}, but must be at least 1.")
        if not self.write or len(set(self.write)) < len(self.write):
            raise ValueError(
                f"write is {' '.join(self.write) or 'empty'}, but must name one or several of "
                "masks, overlays and polygons, each once."
            )


@dataclass(frozen=True, kw_only=True)
class PredictedSegments:
    """What was said about images.

    Attributes:
        out: Folder of what was written.
        images: Images segmented.
        large: Those of them that are larger than ``PredictSegment.large``.
        classes: Share of all pixels that were called each class, largest first.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    large: int
    classes: dict[str, float]
    unusable: list[dict[str, str]] = field(default_factory=list)


def predict_segment(options: PredictSegment, console: Console) -> PredictedSegments:
    """Check what the weights and the images say, then segment."""
    weights = read_weights(options.weights, kind="segmenter")
    size_for(options.size, weights)
    loader_of(weights, options.loader)
    check_no_run(options.out)
    images = find_all(options.data)
    check_apart(options.data, images, options.out)
    with hold(options.out):
        from fcmae.cli.segment.predict_wiring import predict

        return predict(options, weights, images, console)


def show_predicted_segments(result: PredictedSegments, terminal: Terminal) -> None:
    """How much of the images each class covers, and where the files are."""
    rows = [(name, share(part)) for name, part in list(result.classes.items())[:20]]
    show_table(terminal, ("class", "pixels"), rows)
    show_unusable(result.unusable, terminal)
    large = f", {result.large:,} of them large" if result.large else ""
    say(terminal, f"Segmented {number(result.images, 'image')}{large}.")
    show_places(terminal, folder=result.out)
