"""Looks inside an encoder, in pictures and numbers."""

from pathlib import Path

from fcmae.analysis.options import OF_CLASSES, OF_CLASSIFIERS
from fcmae.data.image_list import ImageList
from fcmae.data.plane_store import each_plane
from fcmae.data.source import described
from fcmae.engine.folder import ANALYSIS
from fcmae.engine.lock import hold
from fcmae.engine.report import Reporter
from fcmae.errors import DataError
from fcmae.flags import option
from fcmae.inference.analyze.options import Analyze, Analyzed
from fcmae.inference.analyze.sources import NetSource, net_source, other_source
from fcmae.setup.places import check_place
from fcmae.setup.preflight import check_pictures
from fcmae.setup.sources import validation_images


def analyze(options: Analyze, reporter: Reporter) -> Analyzed:
    """Runs the analyses that apply, and writes a picture and a table of each.

    Raises:
        CheckpointError: There are no such weights, or the nets take different images.
        DataError: No analysis that was asked for can be done.
    """
    first = net_source(options.weights, options, reporter)
    _check_applies(options, first)
    out = out_folder(options)
    check_place(options.out, options.data)
    nets = [first]
    if options.compare is not None:
        nets.append(other_source(options.compare, first, options, reporter))
    found = validation_images(options.data, labels=None, loader=options.loader)
    images = each_plane(found, options.loader)
    where = described(options.data)
    if len(images) < 2:
        raise DataError(f"{where} is a single image, but the least to look at are two.")
    if images.labels is None and options.what and set(options.what) <= OF_CLASSES:
        raise DataError(
            f"what is {' '.join(options.what)}, but the images of {where} have no classes: "
            "give a folder with one folder per class, or a .csv list with columns path,label."
        )
    decided = first.weights is not None
    check_pictures(images, loader=options.loader, channels=first.net.channels, by_weights=decided)
    with hold(out):
        return _look(options, nets, images, out, reporter)


def _check_applies(options: Analyze, net: NetSource) -> None:
    """Refuse, before any image is looked at, what only a classifier has, if nothing else is asked.

    Raises:
        DataError: The net is no classifier.
    """
    kind = None if net.weights is None else net.weights.kind
    if kind != "classifier" and options.what and set(options.what) <= OF_CLASSIFIERS:
        raise DataError(
            f"what is {' '.join(options.what)}, but {net.name} is not a classifier: give the "
            "weights of finetune classify."
        )


def _look(
    options: Analyze, nets: list[NetSource], images: ImageList, out: Path, reporter: Reporter
) -> Analyzed:
    from fcmae.inference.analyze.run import look

    return look(options, nets, images, out, reporter)


def out_folder(options: Analyze) -> Path:
    """The folder to write to."""
    if options.out is not None:
        return options.out
    path = Path(options.weights)
    if not path.exists():
        raise ValueError(
            f"{option('out')} must be given, because {options.weights} is no folder of a run in "
            "which analysis could be put."
        )
    return (path if path.is_dir() else path.parent) / ANALYSIS
