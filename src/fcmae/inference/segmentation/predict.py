"""Segments images into masks, overlays and polygons."""

from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.inference.prologue import find_for_folder, open_weights
from fcmae.inference.segmentation.inputs import by_size
from fcmae.inference.segmentation.options import PredictedSegments, PredictSegment


def predict_segment(options: PredictSegment, reporter: Reporter) -> PredictedSegments:
    """Segments images, large ones by windows, and writes the class of every pixel.

    Raises:
        CheckpointError: There are no such weights, or they are of no segmenter.
        DataError: There is no image that can be used.
        StorageError: The folder cannot be written, or files of others are in the way.
    """
    trained = open_weights(options, reporter, kind="segmenter")
    images = find_for_folder(options)
    sorts = by_size(images, options.scan.large)
    with hold(options.out):
        from fcmae.inference.segmentation.run import predict

        return predict(options, trained, images, sorts, reporter)
