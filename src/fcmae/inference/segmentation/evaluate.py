"""Evaluates a segmenter on images with masks."""

from contextlib import nullcontext
from dataclasses import asdict, replace

from fcmae.checkpoint.card import LabelMapMeaning
from fcmae.data.image_list import ImageList
from fcmae.data.segments.find import evaluation_segments
from fcmae.data.segments.layout import YAMLS
from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.source import ImageSource, named_paths
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.inference.prologue import TrainedModel, open_weights
from fcmae.inference.segmentation.options import EvaluateSegment, Segmented
from fcmae.setup.places import check_place
from fcmae.setup.weights import Weights


def evaluate_segment(options: EvaluateSegment, reporter: Reporter) -> Segmented:
    """Evaluates a segmenter: intersection over union and accuracy of all pixels.

    Raises:
        CheckpointError: There are no such weights, or they are of no segmenter.
        DataError: There is no image with a mask that can be used.
    """
    trained = open_weights(options, reporter, kind="segmenter")
    labels = meaning(options.labels, trained.weights, options.data)
    images = trained.check(evaluation_segments(options.data, labels, trained.weights.classes))
    check_place(options.out, options.data)
    with nullcontext() if options.out is None else hold(options.out):
        return _evaluate(options, trained, images, reporter)


def meaning(labels: LabelMapOptions, weights: Weights, data: ImageSource) -> LabelMapOptions:
    """Meaning of the numbers in masks: as asked for, by a .yaml, or as in the model's training."""
    if any(path.suffix.lower() in YAMLS for path in named_paths(data)):
        return labels
    trained = weights.card.labels or LabelMapMeaning()
    unset = {name: x for name, x in asdict(trained).items() if getattr(labels, name) is None}
    return replace(labels, **unset)


def _evaluate(
    options: EvaluateSegment, trained: TrainedModel, images: ImageList, reporter: Reporter
) -> Segmented:
    from fcmae.evaluation.pixels import segment
    from fcmae.files.results import unusable_files
    from fcmae.files.together import begin
    from fcmae.inference.per_class import FILES, write_classes
    from fcmae.inference.segmentation.scanner import open_scanner, own_sizes

    scanner = open_scanner(trained, options.scan, options.run)
    classes = list(images.classes or ())
    peers = scanner.peers
    journal = options.out and begin(options.out, FILES, peers, "evaluation")
    result = segment(scanner, own_sizes(trained, images, peers, reporter), classes)
    if journal and peers.leads:
        columns = ("name", "pixels", "iou", "accuracy")
        write_classes(journal, result.confusion, classes, result.per_class, columns)
    return Segmented(
        images=result.images,
        miou=result.miou,
        mean_accuracy=result.mean_accuracy,
        pixel_accuracy=result.pixel_accuracy,
        per_class=result.summary()["per_class"],
        confusion=result.confusion.tolist(),
        unusable=unusable_files(result.unusable),
        out=options.out,
    )
