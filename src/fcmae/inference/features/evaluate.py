"""``fcmae evaluate neighbours|linear``: how good the features of an encoder are."""

from dataclasses import dataclass
from pathlib import Path

from fcmae.checkpoint.options import Rule, Source
from fcmae.data.image_list import ImageList
from fcmae.data.listing import few_labels, split
from fcmae.data.options import Loader
from fcmae.engine.report import Reporter
from fcmae.inference.classification.evaluated import Evaluated, evaluated
from fcmae.model.options import Architecture, Encoder
from fcmae.model.timm_options import TimmArchitecture
from fcmae.options.compute import Compute
from fcmae.options.size import Size, size_or
from fcmae.setup.nets import check_model, net_at, net_of, weights_or_none
from fcmae.setup.preflight import check_channels, check_labelled, check_pictures
from fcmae.setup.weights import Weights, loader_of


@dataclass(frozen=True, kw_only=True)
class EvaluateNeighbours:
    """Accuracy of weighted nearest neighbours on the features: no training at all."""

    data: Path
    """Folder with one folder per class, or with train and val folders of those, or a .csv list."""

    val: Path | None = None
    """Images to classify, where they are not in data/val."""

    val_share: float = 0.2
    """Share of each class to classify, where there are no images for that."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights; left out, an untrained
    encoder is the baseline."""

    adapt: Rule | None = None
    """Make the stem of the weights one for encoder.channels: repeat takes its channels in turn,
    average the mean of them for each; both times old / new channels."""

    model: str | None = None
    """Size of the untrained encoder (atto), or timm:NAME for a net of timm."""

    size: Size | None = None
    """Side in pixels of the images, or height,width; by default what the weights were made for."""

    labels_per_class: int | None = None
    """Vote with so many labelled images of each class, drawn by the seed; by default with all."""

    k: int = 20
    """How many neighbours vote."""

    temperature: float = 0.07
    """Sharpness of the vote: a neighbour counts exp(similarity / temperature)."""

    seed: int = 0
    """Draws the untrained encoder and the labelled images."""

    encoder: Encoder = Encoder()
    source: Source = Source()
    loader: Loader = Loader()
    run: Compute = Compute()

    def __post_init__(self) -> None:
        check_labelled(self.val_share, self.labels_per_class, self.seed)
        check_model(self.model)
        if self.k < 1:
            raise ValueError(f"k is {self.k}, but at least 1 neighbour has to vote.")
        if not self.temperature > 0:
            raise ValueError(f"temperature is {self.temperature}, but must be above 0.")


@dataclass(frozen=True, kw_only=True)
class EvaluateLinear:
    """Accuracy of a linear classifier on frozen features (logistic regression)."""

    data: Path
    """Folder with one folder per class, or with train and val folders of those, or a .csv list."""

    val: Path | None = None
    """Images to test on, where they are not in data/val."""

    val_share: float = 0.2
    """Share of each class to test on, where there are no images for that."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights; left out, an untrained
    encoder is the baseline."""

    adapt: Rule | None = None
    """Make the stem of the weights one for encoder.channels: repeat takes its channels in turn,
    average the mean of them for each; both times old / new channels."""

    model: str | None = None
    """Size of the untrained encoder (atto), or timm:NAME for a net of timm."""

    size: Size | None = None
    """Side in pixels of the images, or height,width; by default what the weights were made for."""

    labels_per_class: int | None = None
    """Fit on so many labelled images of each class, drawn by the seed; by default on all."""

    seed: int = 0
    """Draws the untrained encoder, the labelled images, and the part that weight decay is chosen
    on."""

    encoder: Encoder = Encoder()
    source: Source = Source()
    loader: Loader = Loader()
    run: Compute = Compute()

    def __post_init__(self) -> None:
        check_labelled(self.val_share, self.labels_per_class, self.seed)
        check_model(self.model)


@dataclass(frozen=True, kw_only=True)
class Ready:
    """All that the features are made of, checked without PyTorch."""

    weights: Weights | None
    adapt: Rule | None
    net: Architecture | TimmArchitecture
    size: tuple[int, int]
    loader: Loader
    train: ImageList
    test: ImageList


def evaluate_neighbours(options: EvaluateNeighbours, reporter: Reporter) -> Evaluated:
    """Compare the features of images with those of labelled images."""
    ready = prepare(options, reporter)
    from fcmae.evaluation.neighbours import neighbours
    from fcmae.inference.features.features import features

    train, test, device = features(ready, options.run, options.seed, reporter)
    classes = list(ready.train.classes or ())
    result = neighbours(
        train, test, classes, k=options.k, temperature=options.temperature, device=device
    )
    unusable = train.unusable + test.unusable
    return evaluated(result.summary(), unusable, train_images=len(train.rows))


def evaluate_linear(options: EvaluateLinear, reporter: Reporter) -> Evaluated:
    """Fit a linear classifier to the features of labelled images."""
    ready = prepare(options, reporter)
    from fcmae.evaluation.linear import linear_probe
    from fcmae.inference.features.features import features

    train, test, device = features(ready, options.run, options.seed, reporter)
    classes = list(ready.train.classes or ())
    probe = linear_probe(train, test, classes, seed=options.seed, device=device)
    return evaluated(
        probe.result.summary(),
        train.unusable + test.unusable,
        train_images=len(train.rows),
        weight_decay=probe.weight_decay,
    )


def prepare(options: EvaluateNeighbours | EvaluateLinear, reporter: Reporter) -> Ready:
    """Find the images and the encoder, and check that they fit each other."""
    weights = weights_or_none(options.weights, options.source, reporter)
    net = net_of(options.model, options.encoder, weights, adapt=options.adapt is not None)
    size, net = net_at(size_or(options.size, weights.size if weights else 224), net)
    check_channels(options.loader, net.channels)
    loader = options.loader if weights is None else loader_of(weights, options.loader)
    train, test = split(options.data, options.val, share=options.val_share)
    if options.labels_per_class is not None:
        train = few_labels(train, options.labels_per_class, options.seed)
    check_pictures(train, loader=loader, channels=net.channels)
    return Ready(
        weights=weights,
        adapt=options.adapt,
        net=net,
        size=size,
        loader=loader,
        train=train,
        test=test,
    )
