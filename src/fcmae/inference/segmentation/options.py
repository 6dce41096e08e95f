"""Options and results of evaluating segmenters and of segmenting images."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.source import ImageSource
from fcmae.evaluation.options import Scan
from fcmae.inference.options import EvaluateOptions, PredictOptions
from fcmae.notebook import Result
from fcmae.options.size import Size

Form = Literal["masks", "overlays", "polygons"]
"""Files that segmenting writes for an image."""


@dataclass(frozen=True, kw_only=True)
class EvaluateSegment(EvaluateOptions):
    """Mean intersection over union of a segmenter on images with masks.

    Each image is looked at in its own size; the numbers come from one confusion matrix over all.
    """

    data: ImageSource
    """Folder with images and masks inside (of whose train and val the second is taken), or a .yaml
    that names those folders."""

    weights: str
    """Folder of a run of fcmae finetune segment, weights file, or the name of published weights."""

    out: Path | None = None
    """Folder for the confusion matrix as a picture and the table per class."""

    size: Size | None = None
    """Side in pixels of the windows where they slide, or height,width; by default that of the
    training crops."""

    labels: LabelMapOptions = LabelMapOptions()
    scan: Scan = Scan()


@dataclass(frozen=True, kw_only=True)
class PredictSegment(PredictOptions):
    """Name the class of every pixel: masks, overlays with a legend, polygons."""

    weights: str
    """Folder of a run of fcmae finetune segment, weights file, or the name of published weights."""

    out: Path
    """Folder to write to, with a folder inside for each form; what an earlier call wrote there is
    replaced."""

    write: list[Form] = field(default_factory=lambda: ["masks", "overlays"])
    """What to write: masks (PNG of class indices, with colours), overlays (the classes over the
    image), polygons (GeoJSON, in pixels from the upper left corner)."""

    size: Size | None = None
    """Side in pixels of the windows where they slide, or height,width; by default that of the
    training crops."""

    scan: Scan = Scan()

    def __post_init__(self) -> None:
        if not self.write or len(set(self.write)) < len(self.write):
            raise ValueError(
                f"write is {' '.join(self.write) or 'empty'}, but must name one or several of "
                "masks, overlays and polygons, each once."
            )


@dataclass(frozen=True, kw_only=True)
class Segmented(Result):
    """Accuracy on pixels. Shares are between 0 and 1.

    Attributes:
        images: Images looked at.
        miou: Mean over the classes of intersection over union.
        mean_accuracy: Mean of the shares of each class's pixels that are right.
        pixel_accuracy: Share of all pixels that are right.
        per_class: Pixels, intersection over union and accuracy of each class.
        confusion: Pixels of each class (rows) called each class (columns).
        unusable: Files left out, with the reason.
        out: Folder of the tables and pictures, where one was asked for.
    """

    images: int
    miou: float
    mean_accuracy: float
    pixel_accuracy: float
    per_class: list[dict[str, Any]]
    confusion: list[list[int]]
    unusable: list[dict[str, str]] = field(default_factory=list)
    out: Path | None = None


@dataclass(frozen=True, kw_only=True)
class PredictedSegments(Result):
    """Classes of the pixels of images.

    Attributes:
        out: Folder of what was written.
        images: Images segmented.
        large: Those of them that are larger than ``scan.large``.
        classes: Share of all pixels that were called each class, largest first.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    large: int
    classes: dict[str, float]
    unusable: list[dict[str, str]] = field(default_factory=list)
