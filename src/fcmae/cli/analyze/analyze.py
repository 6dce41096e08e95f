"""``fcmae analyze``: look inside an encoder, in pictures and numbers."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

from rich.console import Console as Terminal

from fcmae.checkpoint.options import Source
from fcmae.cli.options.compute import Compute
from fcmae.cli.options.size import Size, size_or
from fcmae.cli.shared.card import Weights, loader_of, read_weights
from fcmae.cli.shared.console import Console
from fcmae.cli.shared.preflight import check_channels, check_pictures, net_at, net_of
from fcmae.cli.shared.show import number, say, show_places, show_table, show_unusable
from fcmae.cli.shared.sources import validation_images
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.engine.folder import ANALYSIS
from fcmae.engine.lock import hold
from fcmae.errors import CheckpointError, DataError
from fcmae.model.options import Architecture, Encoder, ModelName
from fcmae.model.timm_options import PREFIX, TimmArchitecture

What = Literal[
    "feature_distance", "class_selectivity", "inactive_channels", "effective_rank", "cka",
    "activation_maps", "nearest_neighbours", "pca", "tsne", "umap", "grad_cam", "mistakes",
]  # fmt: skip
"""The analyses, in the order in which they are done."""

OF_CLASSIFIERS = {"grad_cam", "mistakes"}
"""The analyses that only a classifier has."""

OF_CLASSES = {"class_selectivity", "mistakes"}
"""Those that need images of classes."""

MOST_IMAGES = 10_000
RANDOM = "random:"
"""What may stand before the name of a model that is to have random weights."""


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """Activation maps (figure 3 of the paper)."""

    image: Path | None = None
    """Image to draw them of; by default one of data, drawn by the seed."""

    blocks: list[int] | None = None
    """Blocks to draw, numbered from 1 through the whole net; by default the last of each stage."""

    channels: list[int] | None = None
    """Channels to draw, from 0; by default 64 of each block, drawn by the seed."""

    def __post_init__(self) -> None:
        for name, least in (("blocks", 1), ("channels", 0)):
            values = getattr(self, name)
            if values is not None and (not values or min(values) < least):
                raise ValueError(
                    f"maps.{name} is {values}, but must be numbers of at least {least}."
                )


@dataclass(frozen=True, kw_only=True)
class Analyze:
    """Look inside an encoder: is it healthy, what does it react to, which images are alike to it?

    Every picture has its numbers beside it, and analysis.json tells what each one shows.
    docs/analyze.md has the definitions.
    """

    weights: str
    """Folder of a run, weights file, the name of published weights, such as timm:NAME, or the name
    of a model, such as v1-atto, for one with random weights: random:timm:NAME for a net of timm."""

    data: Path
    """Folder with one folder per class (or with a val folder of those, which is then taken), list,
    pack, or folder of images; without classes, what needs them is left out."""

    out: Path | None = None
    """Folder for pictures and numbers; by default analysis in the folder of the weights."""

    compare: str | None = None
    """Another model to draw beside it, named in the same way; its blocks are compared with those of
    the first by linear CKA."""

    what: list[What] | None = None
    """Analyses to do; by default all that apply."""

    images: int = 256
    """Images to look at, at most: drawn by the seed, taken from all classes in turn."""

    rows: int = 8
    """Images on a sheet of neighbours or of Grad-CAM, and classes on a sheet of mistakes."""

    k: int = 6
    """Neighbours to show of each image."""

    size: Size | None = None
    """Side in pixels of the images, or height,width; by default what the weights were made for."""

    seed: int = 0
    """Draws the images, the channels, and random weights."""

    maps: MapOptions = MapOptions()
    encoder: Encoder = Encoder()
    source: Source = Source()
    loader: Loader = Loader()
    run: Compute = Compute()

    def __post_init__(self) -> None:
        for name, least in (("images", 2), ("rows", 1), ("k", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least {least}.")
        if self.images > MOST_IMAGES:
            raise ValueError(
                f"images is {self.images}, but must be at most {MOST_IMAGES}, because every two of "
                "them are compared."
            )
        if self.maps != MapOptions() and "activation_maps" not in (self.what or get_args(What)):
            raise ValueError(
                "maps is for activation_maps, which what does not name: name it too, or leave "
                "--maps out."
            )


@dataclass(frozen=True, kw_only=True)
class Analyzed:
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


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A net to look into, checked without PyTorch.

    Attributes:
        name: What it is called in pictures.
        weights: Its weights; None for random ones.
        net: What its encoder is: one of ours, or a net of timm, built for this size.
        size: Height and width of the images.
        loader: With the mean and deviation that it knows.
    """

    name: str
    weights: Weights | None
    net: Architecture | TimmArchitecture
    size: tuple[int, int]
    loader: Loader


def analyze(options: Analyze, console: Console) -> Analyzed:
    """Check what the weights and the images say, then look."""
    first = _asked(options.weights, options, console)
    _check_applies(options, first)
    out = out_folder(options)
    nets = [first]
    if options.compare is not None:
        nets.append(_other(options.compare, first, options, console))
    images = validation_images(options.data, labels=None)
    if len(images) < 2:
        raise DataError(f"{options.data} is a single image, but the least to look at are two.")
    if images.labels is None and options.what and set(options.what) <= OF_CLASSES:
        raise DataError(
            f"what is {' '.join(options.what)}, but the images of {options.data} have no classes: "
            "give a folder with one folder per class, or a .csv list with columns path,label."
        )
    check_pictures(images, loader=options.loader, channels=first.net.channels)
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


def _asked(
    source: str, options: Analyze, console: Console, *, beside: Asked | None = None
) -> Asked:
    """The net of this name, with its images; beside another one, with those of the other."""
    model = random_model(source)
    weights = None if model else read_weights(source, fetch=options.source, console=console)
    net = net_of(model, _encoder(options, model, beside), weights)
    check_channels(options.loader, net.channels)
    wanted = size_or(options.size, 224 if weights is None else weights.size)
    size, net = net_at(beside.size if beside else wanted, net)
    return Asked(
        name=f"{model} (random)" if model else _name(source),
        weights=weights,
        net=net,
        size=size,
        loader=options.loader if weights is None else loader_of(weights, options.loader),
    )


def _name(source: str) -> str:
    """What pictures and tables call a net: its folder or file, or what it was published as."""
    path = Path(source)
    return (path.absolute() if path.exists() else path).name


def random_model(source: str) -> str | None:
    """The model that is to have random weights; None where the source names weights."""
    if Path(source).exists():
        return None
    if source.startswith(RANDOM):
        return source.removeprefix(RANDOM)
    return source if source in get_args(ModelName) else None


def _encoder(options: Analyze, model: str | None, beside: Asked | None) -> Encoder:
    """Channels and stem of a net; a random one beside another one takes after it."""
    if beside is None:
        return options.encoder
    if model is None:
        return Encoder()
    if isinstance(beside.net, TimmArchitecture) or model.startswith(PREFIX):
        return Encoder(channels=beside.net.channels)
    stem: Any = beside.net.stem
    return Encoder(channels=beside.net.channels, stem=stem)


def _other(source: str, first: Asked, options: Analyze, console: Console) -> Asked:
    """The net to compare with, which must take the same images."""
    other = _asked(source, options, console, beside=first)
    if other.net.channels != first.net.channels:
        raise CheckpointError(
            f"compare is {source}, which takes images of {other.net.channels} channels, "
            f"but {first.name} takes {first.net.channels}: give a net for the same images."
        )
    if other.name != first.name:
        return other
    return replace(other, name="/".join(Path(source).parts[-2:]) + " (compared)")


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
