"""``fcmae evaluate segment``: how well a segmenter tells the class of each pixel."""

from dataclasses import dataclass, replace
from pathlib import Path

from fcmae.data.image_list import ImageList
from fcmae.data.options import LabelMapOptions, Loader
from fcmae.data.segments.find import evaluation_segments
from fcmae.data.segments.layout import YAMLS
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.evaluation.options import Scan
from fcmae.inference.segmentation.evaluated import Segmented
from fcmae.options.compute import Compute
from fcmae.options.size import Size
from fcmae.setup.nets import size_for
from fcmae.setup.places import check_place
from fcmae.setup.preflight import check_pictures
from fcmae.setup.weights import Weights, loader_of, read_weights


@dataclass(frozen=True, kw_only=True)
class EvaluateSegment:
    """Mean intersection over union of a segmenter on images with masks.

    Each image is looked at in its own size; the numbers come from one confusion matrix over all.
    """

    data: Path
    """Folder with images and masks inside (of whose train and val the second is taken), or a .yaml
    that names those folders."""

    weights: Path
    """Folder of a run of fcmae finetune segment, or weights file."""

    out: Path | None = None
    """Folder for the confusion matrix as a picture and the table per class."""

    size: Size | None = None
    """Side in pixels of the windows where they slide, or height,width; by default that of the
    training crops."""

    labels: LabelMapOptions = LabelMapOptions()
    scan: Scan = Scan()
    loader: Loader = Loader()
    run: Compute = Compute()


def evaluate_segment(options: EvaluateSegment, reporter: Reporter) -> Segmented:
    """Check what the weights, images and masks say, then look at all of them."""
    weights = read_weights(options.weights, kind="segmenter")
    size_for(options.size, weights)
    loader_of(weights, options.loader)
    labels = meaning(options.labels, weights, options.data)
    images = evaluation_segments(options.data, labels, weights.classes)
    check_pictures(
        images, loader=options.loader, channels=weights.architecture.channels, by_weights=True
    )
    check_place(options.out, [options.data])
    if options.out is None:
        return _evaluate(options, weights, images, reporter)
    with hold(options.out):
        return _evaluate(options, weights, images, reporter)


def meaning(labels: LabelMapOptions, weights: Weights, data: Path) -> LabelMapOptions:
    """What numbers in masks mean: as asked for, as a .yaml says, or as in the model's training."""
    if data.suffix.lower() in YAMLS:
        return labels
    trained = weights.header.card.get("labels", {})
    unset = {name: value for name, value in trained.items() if getattr(labels, name) is None}
    return replace(labels, **unset)


def _evaluate(
    options: EvaluateSegment, weights: Weights, images: ImageList, reporter: Reporter
) -> Segmented:
    from fcmae.evaluation.pixels import segment
    from fcmae.files.results import unusable_files
    from fcmae.files.together import begin
    from fcmae.inference.per_class import FILES, write_classes
    from fcmae.inference.segmentation.scanner import open_scanner, own_sizes

    scanner = open_scanner(options, weights)
    classes = list(images.classes or ())
    peers = scanner.peers
    journal = options.out and begin(options.out, FILES, peers, "evaluation")
    found = own_sizes(options, weights, images, reporter, peers, what="segmenting")
    result = segment(scanner, found, classes)
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
