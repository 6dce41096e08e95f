"""``fcmae predict detect``: the objects in images, drawn and written down."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.evaluation.options import Tiles, Tiling
from fcmae.files.results import unusable_files
from fcmae.model.options import Suppression
from fcmae.notebook import Result
from fcmae.options.compute import Compute
from fcmae.options.size import Size, sides, size_or
from fcmae.setup.places import check_apart, check_no_run
from fcmae.setup.preflight import check_pictures
from fcmae.setup.sources import find_all
from fcmae.setup.weights import Weights, loader_of, read_weights


@dataclass(frozen=True, kw_only=True)
class PredictDetect:
    """Find objects in images: boxes, masks, names and scores, drawn and written down."""

    data: list[Path]
    """Images, folders (read recursively) and .txt or .csv lists, one or several."""

    weights: Path
    """Folder of a run of fcmae finetune detect, or weights file."""

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

    size: Size | None = None
    """Height and width that images are fitted into, whichever way round suits them; by default what
    the weights were made for, or windows, where they were made for those."""

    tiles: Tiles = Tiles()
    suppression: Suppression = Suppression()
    loader: Loader = Loader()
    run: Compute = Compute(batch_size=1)

    def __post_init__(self) -> None:
        if not 0 <= self.score <= 1:
            raise ValueError(f"score is {self.score}, but must be in [0, 1].")


@dataclass(frozen=True, kw_only=True)
class DetectorPredicted(Result):
    """What was found in images.

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


def predict_detect(options: PredictDetect, reporter: Reporter) -> DetectorPredicted:
    """Check what the weights and the images say, then look."""
    weights = read_weights(options.weights, kind="detector")
    sides(size_or(options.size, weights.size))
    tiling = options.tiles.tiling(weights.tiling, fitted=options.size)
    loader_of(weights, options.loader)
    check_no_run(options.out)
    images = find_all(options.data)
    check_apart(options.data, images, options.out)
    check_pictures(
        images,
        loader=options.loader,
        channels=weights.architecture.channels,
        by_weights=True,
        tiled=tiling is not None,
    )
    with hold(options.out):
        return _predict(options, weights, images, tiling, reporter)


def _predict(
    options: PredictDetect,
    weights: Weights,
    images: ImageList,
    tiling: Tiling | None,
    reporter: Reporter,
) -> DetectorPredicted:
    from fcmae.data.image import UnusableImage
    from fcmae.evaluation.forward import gather_unusable
    from fcmae.inference.detection.detector_run import open_detector
    from fcmae.inference.detection.output import Output

    looking = open_detector(options, weights, images, tiling, reporter)
    output = Output(options.out, images, weights, looking.loader)
    output.begin(pictures=options.pictures, outlines=options.geojson, peers=looking.peers)
    for index, everything in looking.found():
        found = everything.above(options.score)
        output.add(index, found)
        if options.pictures:
            try:
                output.draw(index, found)
            except UnusableImage as error:
                looking.unusable.append((images.name(index), f"not drawn: {error.reason}"))
        if options.geojson:
            output.outline(index, found)
    counted = output.finish(looking.peers)
    names = Counter(counted.labels)
    return DetectorPredicted(
        out=options.out,
        images=counted.images,
        objects=dict(names.most_common()),
        unusable=unusable_files(gather_unusable(looking.unusable, looking.peers)),
    )
