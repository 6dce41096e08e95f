"""Detects objects in images, draws them, and writes them down."""

from collections import Counter

from fcmae.data.image_list import ImageList
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.files.results import unusable_files
from fcmae.inference.detection.options import DetectorPredicted, PredictDetect
from fcmae.inference.prologue import TrainedModel, any_sides, find_for_folder, open_weights
from fcmae.model.tiling import Tiling


def predict_detect(options: PredictDetect, reporter: Reporter) -> DetectorPredicted:
    """Detects objects in images, and writes them as COCO, GeoJSON and pictures.

    Raises:
        CheckpointError: There are no such weights, or they are of no detector.
        DataError: There is no image that can be used.
        StorageError: The folder cannot be written, or files of others are in the way.
    """
    trained = open_weights(options, reporter, kind="detector", fit=any_sides)
    tiling = options.tiles.tiling(trained.weights.card.tiling, fitted=options.size)
    images = trained.check(find_for_folder(options), tiled=tiling is not None)
    with hold(options.out):
        return _predict(options, trained, images, tiling, reporter)


def _predict(
    options: PredictDetect,
    trained: TrainedModel,
    images: ImageList,
    tiling: Tiling | None,
    reporter: Reporter,
) -> DetectorPredicted:
    from fcmae.data.image import UnusableImage
    from fcmae.evaluation.forward import gather_unusable
    from fcmae.inference.detection.detector_run import open_detector
    from fcmae.inference.detection.output import DetectionOutput

    run = open_detector(options, trained, images, tiling, reporter)
    output = DetectionOutput(options.out, images, trained)
    output.begin(pictures=options.pictures, outlines=options.geojson, peers=run.peers)
    for index, everything in run.found():
        found = everything.above(options.score)
        output.add(index, found)
        if options.pictures:
            try:
                output.draw(index, found)
            except UnusableImage as error:
                run.unusable.append((images.name(index), f"not drawn: {error.reason}"))
        if options.geojson:
            output.outline(index, found)
    counted = output.finish(run.peers)
    names = Counter(counted.labels)
    return DetectorPredicted(
        out=options.out,
        images=counted.images,
        objects=dict(names.most_common()),
        unusable=unusable_files(gather_unusable(run.unusable, run.peers)),
    )
