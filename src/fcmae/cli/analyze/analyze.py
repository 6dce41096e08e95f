"""``fcmae analyze``: look inside an encoder, in pictures and numbers."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal

from fcmae.cli.analyze.asked import Asked, asked, other_asked
from fcmae.cli.analyze.options import OF_CLASSES, OF_CLASSIFIERS, Analyze
from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_places, show_table, show_unusable
from fcmae.data.image_list import ImageList
from fcmae.engine.folder import ANALYSIS
from fcmae.engine.lock import hold
from fcmae.errors import DataError
from fcmae.notebook import Result
from fcmae.setup.places import check_place
from fcmae.setup.preflight import check_pictures
from fcmae.setup.sources import validation_images
from fcmae.setup.words import number


@dataclass(frozen=True, kw_only=True)
class Analyzed(Result):
    """What was found.

    Attributes:
        out: Folder of the pictures and numbers, with ``analysis.json``.
        images: Images looked at.
        found: What ``analysis.json`` holds: a picture, its numbers and a summary of each analysis.
        skipped: Analyses that were not done, with the reason.
        summary: The numbers of each analysis by its name, as in
            ``summary["feature_distance"]["last"]``.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    found: list[dict[str, Any]]
    skipped: dict[str, str]
    summary: dict[str, dict[str, Any]]
    unusable: list[dict[str, str]] = field(default_factory=list)


def analyze(options: Analyze, console: Console) -> Analyzed:
    """Check what the weights and the images say, then look."""
    first = asked(options.weights, options, console)
    _check_applies(options, first)
    out = out_folder(options)
    check_place(options.out, [options.data])
    nets = [first]
    if options.compare is not None:
        nets.append(other_asked(options.compare, first, options, console))
    images = validation_images(options.data, labels=None)
    if len(images) < 2:
        raise DataError(f"{options.data} is a single image, but the least to look at are two.")
    if images.labels is None and options.what and set(options.what) <= OF_CLASSES:
        raise DataError(
            f"what is {' '.join(options.what)}, but the images of {options.data} have no classes: "
            "give a folder with one folder per class, or a .csv list with columns path,label."
        )
    decided = first.weights is not None
    check_pictures(images, loader=options.loader, channels=first.net.channels, by_weights=decided)
    with hold(out):
        return _look(options, nets, images, out, console)


def _check_applies(options: Analyze, net: Asked) -> None:
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
    options: Analyze, nets: list[Asked], images: ImageList, out: Path, console: Console
) -> Analyzed:
    from fcmae.cli.analyze.wiring import look

    return look(options, nets, images, out, console)


def out_folder(options: Analyze) -> Path:
    """Where to write."""
    if options.out is not None:
        return options.out
    path = Path(options.weights)
    if not path.exists():
        raise ValueError(
            f"--out must be given, because {options.weights} is no folder of a run in which "
            "analysis could be put."
        )
    return (path if path.is_dir() else path.parent) / ANALYSIS


def show_analyzed(result: Analyzed, terminal: Terminal) -> None:
    """The summaries, what was left out, and where everything is."""
    for entry in result.found:
        rows = [(name, _number(value)) for name, value in entry["summary"].items()]
        show_table(terminal, (entry["title"], ""), rows)
        say(terminal, "")
    for name, reason in result.skipped.items():
        say(terminal, f"Left out {name}: {reason}")
    show_unusable(result.unusable, terminal)
    say(terminal, f"Looked at {number(result.images, 'image')}.")
    show_places(terminal, pictures=result.out)


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
