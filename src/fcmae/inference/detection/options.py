"""Options and results of evaluating detectors and of detecting objects in images."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcmae.data.source import ImageSource
from fcmae.evaluation.options import Tiles
from fcmae.inference.options import EvaluateOptions, InferenceOptions, PredictOptions
from fcmae.model.options import Suppression
from fcmae.notebook import Result
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.setup.labelled import BadLabels, Crowds


@dataclass(frozen=True, kw_only=True)
class DetectOptions(InferenceOptions):
    """Options of everything that shows images to a trained detector."""

    size: Size | None = None
    """Height and width that images are fitted into, whichever way round suits them; by default what
    the weights were made for, or windows, where they were made for those."""

    tiles: Tiles = Tiles()
    suppression: Suppression = Suppression()
    run: Compute = Compute(batch_size=1)


@dataclass(frozen=True, kw_only=True)
class EvaluateDetect(DetectOptions, EvaluateOptions):
    """Average precision (COCO's) of a detector on labelled images."""

    data: ImageSource
    """Images with labels: a COCO .json, a folder of COCO, YOLO or Pascal VOC (of which the part to
    validate on is taken), or a .yaml that names val."""

    weights: str
    """Folder of a run of fcmae finetune detect, weights file, or the name of published weights."""

    out: Path | None = None
    """Folder for what was found, as COCO writes results."""

    bad_labels: BadLabels = "stop"
    """What to do with labels that are wrong: stop; clip boxes at the border of their image, and
    stop for others; or leave all of them out. What was done is said."""

    crowds: Crowds = "ignore"
    """What to do with crowd regions (COCO's iscrowd, Pascal VOC's difficult): ignore them, as COCO
    does, or take them as objects."""


@dataclass(frozen=True, kw_only=True)
class PredictDetect(DetectOptions, PredictOptions):
    """Find objects in images: boxes, masks, names and scores, drawn and written down."""

    weights: str
    """Folder of a run of fcmae finetune detect, weights file, or the name of published weights."""

    out: Path
    """Folder for detections.json (as COCO writes labels, with scores), the pictures, and an outline
    file for each image; those of an earlier call are replaced."""

    score: float = 0.5
    """Lowest score of the objects that are drawn and written."""

    pictures: bool = True
    """Draw what was found over each image; over a reduced one, if it has more than
    loader.max_pixels."""

    geojson: bool = True
    """Write a GeoJSON file for each image: outlines, or boxes, in pixels from the upper left."""

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"score is {self.score}, but must be in [0, 1].")


@dataclass(frozen=True, kw_only=True)
class DetectorEvaluated(Result):
    """Average precision of a detector. Precisions are shares between 0 and 1.

    Attributes:
        images: Images looked at.
        boxes: COCO's numbers for boxes: ap, ap50, ap75, small, medium, large; None where there are
            no such objects.
        masks: The same for masks, where labels and detector have them.
        per_class: Objects and average precision of each class.
        unusable: Files left out, with the reason.
        out: Folder of the results, where one was asked for.
    """

    images: int
    boxes: dict[str, float | None]
    masks: dict[str, float | None] | None
    per_class: list[dict[str, Any]]
    unusable: list[dict[str, str]] = field(default_factory=list)
    out: Path | None = None


@dataclass(frozen=True, kw_only=True)
class DetectorPredicted(Result):
    """Objects in images.

    Attributes:
        out: The folder.
        images: Images looked at.
        objects: How many objects of each class were found, the most frequent first.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    objects: dict[str, int]
    unusable: list[dict[str, str]] = field(default_factory=list)
