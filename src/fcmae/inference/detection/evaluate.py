"""Evaluates the average precision of a detector on labelled images."""

import json
from contextlib import nullcontext

from fcmae.data.image_list import ImageList
from fcmae.data.objects.find import evaluation_objects
from fcmae.engine.folder import PRECISION
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.errors import CheckpointError
from fcmae.evaluation.coco import require_coco_eval
from fcmae.files.durable import write_synced
from fcmae.files.results import unusable_files
from fcmae.inference.detection.options import DetectorEvaluated, EvaluateDetect
from fcmae.inference.prologue import TrainedModel, any_sides, open_weights
from fcmae.model.tiling import Tiling
from fcmae.setup.labelled import accepted, label_rules
from fcmae.setup.places import check_place

RESULTS = "results.json"
"""What was found, as COCO's evaluations read it."""


def evaluate_detect(options: EvaluateDetect, reporter: Reporter) -> DetectorEvaluated:
    """Evaluates a detector: COCO's average precision of boxes and masks.

    Raises:
        CheckpointError: There are no such weights, or they are of no detector with class names.
        DataError: There is no labelled image that can be used, or labels are wrong.
    """
    require_coco_eval()
    trained = open_weights(options, reporter, kind="detector", fit=any_sides)
    weights = trained.weights
    tiling = options.tiles.tiling(weights.card.tiling, fitted=options.size)
    if weights.classes is None:
        raise CheckpointError(
            f"{weights.path} does not name its classes, so that labels cannot be compared with it."
        )
    found = evaluation_objects(
        options.data,
        weights.classes,
        loader=options.loader,
        rules=label_rules(options.bad_labels, options.crowds),
    )
    images = accepted(found, options.bad_labels, options.data, reporter)
    for note in images.notes:
        reporter.message(note)
    images = trained.check(images, tiled=tiling is not None)
    check_place(options.out, options.data)
    with nullcontext() if options.out is None else hold(options.out):
        return _evaluate(options, trained, images, tiling, reporter)


def _evaluate(
    options: EvaluateDetect,
    trained: TrainedModel,
    images: ImageList,
    tiling: Tiling | None,
    reporter: Reporter,
) -> DetectorEvaluated:
    from fcmae.evaluation.detect import judge
    from fcmae.files.together import begin
    from fcmae.inference.detection.detector_run import open_detector
    from fcmae.tasks.evaluations.precision import summary

    run = open_detector(options, trained, images, tiling, reporter)
    journal = options.out and begin(options.out, (RESULTS, PRECISION), run.peers, "evaluation")
    result = judge(run.found(), images, run.peers, unusable=run.unusable)
    said = summary(result.scores, result.images)
    if journal and run.peers.leads:
        for name, content, indent in ((RESULTS, result.found, None), (PRECISION, said, 1)):
            with journal.writing(name) as path:
                write_synced(path, f"{json.dumps(content, indent=indent)}\n".encode())
    return DetectorEvaluated(**said, unusable=unusable_files(result.unusable), out=options.out)
