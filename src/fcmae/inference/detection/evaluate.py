"""``fcmae evaluate detect``: average precision of a detector on labelled images."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcmae.data.image_list import ImageList
from fcmae.data.objects.find import evaluation_objects
from fcmae.data.options import Loader
from fcmae.engine.folder import PRECISION
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.errors import CheckpointError
from fcmae.evaluation.coco import require_coco_eval
from fcmae.evaluation.options import Tiles, Tiling
from fcmae.files.results import unusable_files
from fcmae.model.options import Suppression
from fcmae.notebook import Result
from fcmae.options.compute import Compute
from fcmae.options.size import Size, sides, size_or
from fcmae.setup.labelled import BadLabels, accepted
from fcmae.setup.places import check_place
from fcmae.setup.preflight import check_pictures
from fcmae.setup.weights import Weights, loader_of, read_weights

RESULTS = "results.json"
"""What was found, as COCO's evaluations read it."""


@dataclass(frozen=True, kw_only=True)
class EvaluateDetect:
    """Average precision (COCO's) of a detector on labelled images."""

    data: Path
    """Images with labels: a COCO .json, a folder of COCO, YOLO or Pascal VOC (of which the part to
    validate on is taken), or a .yaml that names val."""

    weights: Path
    """Folder of a run of fcmae finetune detect, or weights file."""

    out: Path | None = None
    """Folder for what was found, as COCO writes results."""

    size: Size | None = None
    """Height and width that images are fitted into, whichever way round suits them; by default what
    the weights were made for, or windows, where they were made for those."""

    bad_labels: BadLabels = "stop"
    """What to do with labels that are wrong: stop, or leave them out and say so."""

    tiles: Tiles = Tiles()
    suppression: Suppression = Suppression()
    loader: Loader = Loader()
    run: Compute = Compute(batch_size=1)


@dataclass(frozen=True, kw_only=True)
class DetectorEvaluated(Result):
    """How well objects were found. Precisions are shares between 0 and 1.

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


def evaluate_detect(options: EvaluateDetect, reporter: Reporter) -> DetectorEvaluated:
    """Check what the weights and the labels say, then look."""
    require_coco_eval()
    weights = read_weights(options.weights, kind="detector")
    sides(size_or(options.size, weights.size))
    tiling = options.tiles.tiling(weights.tiling, fitted=options.size)
    loader_of(weights, options.loader)
    if weights.classes is None:
        raise CheckpointError(
            f"{weights.path} does not name its classes, so that labels cannot be compared with it."
        )
    found = evaluation_objects(options.data, weights.classes)
    images = accepted(found, options.bad_labels, options.data, reporter)
    check_pictures(
        images,
        loader=options.loader,
        channels=weights.architecture.channels,
        by_weights=True,
        tiled=tiling is not None,
    )
    check_place(options.out, [options.data])
    if options.out is None:
        return _evaluate(options, weights, images, tiling, reporter)
    with hold(options.out):
        return _evaluate(options, weights, images, tiling, reporter)


def _evaluate(
    options: EvaluateDetect,
    weights: Weights,
    images: ImageList,
    tiling: Tiling | None,
    reporter: Reporter,
) -> DetectorEvaluated:
    import json

    from fcmae.evaluation.detect import judge
    from fcmae.files.durable import write_synced
    from fcmae.files.together import begin
    from fcmae.inference.detection.detector_run import open_detector
    from fcmae.tasks.evaluations.precision import summary

    looking = open_detector(options, weights, images, tiling, reporter)
    peers = looking.peers
    journal = options.out and begin(options.out, (RESULTS, PRECISION), peers, "evaluation")
    result = judge(looking.found(), images, looking.peers, unusable=looking.unusable)
    said = summary(result.scores, result.images)
    if journal and peers.leads:
        for name, content, indent in ((RESULTS, result.found, None), (PRECISION, said, 1)):
            with journal.writing(name) as path:
                write_synced(path, f"{json.dumps(content, indent=indent)}\n".encode())
    return DetectorEvaluated(**said, unusable=unusable_files(result.unusable), out=options.out)
