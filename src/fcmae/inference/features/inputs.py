"""The encoder and the images of an evaluation of features, checked before PyTorch is imported."""

from dataclasses import dataclass, replace

from fcmae.checkpoint.options import Rule
from fcmae.data.held_out import few_labels
from fcmae.data.image_list import ImageList
from fcmae.data.listing import split
from fcmae.data.options import Loader
from fcmae.data.plane_store import each_plane
from fcmae.data.statistics import look_at
from fcmae.engine.report import Reporter
from fcmae.inference.features.options import EvaluateFeatures
from fcmae.model.options import Architecture
from fcmae.model.timm_options import TimmArchitecture
from fcmae.options.size import size_or
from fcmae.setup.nets import net_at, net_of, weights_or_none
from fcmae.setup.preflight import check_channels, check_pictures
from fcmae.setup.statistics import normalised
from fcmae.setup.weights import Weights


@dataclass(frozen=True, kw_only=True)
class FeatureInputs:
    """An encoder and images, from which features are computed.

    Attributes:
        weights: The encoder's; None for an untrained one.
        adapt: How the stem of the weights becomes one for the images' channels.
        net: The encoder: one of ours, or a net of timm.
        size: Height and width of the images.
        loader: Reading of files, with the normalisation of the weights.
        train: Labelled images to learn from.
        test: Labelled images to judge by.
    """

    weights: Weights | None
    adapt: Rule | None
    net: Architecture | TimmArchitecture
    size: tuple[int, int]
    loader: Loader
    train: ImageList
    test: ImageList


def open_inputs(options: EvaluateFeatures, reporter: Reporter) -> FeatureInputs:
    """Finds the images and the encoder, and checks that they fit each other.

    Raises:
        CheckpointError: There are no such weights, or they contradict the options.
        DataError: There are no labelled images that can be used.
    """
    weights = weights_or_none(options.weights, options.source, reporter)
    net = net_of(options.model, options.encoder, weights, adapt=options.adapt is not None)
    size, net = net_at(size_or(options.size, weights.size if weights else 224), net)
    found = split(options.data, options.val, share=options.val_share, loader=options.loader)
    train, test = (each_plane(part, options.loader) for part in found)
    if options.labels_per_class is not None:
        train = few_labels(train, options.labels_per_class, options.seed)
    if options.encoder.channels is None and (weights is None or options.adapt is not None):
        net = replace(net, channels=look_at(train, options.loader.reading).number)
    check_channels(options.loader, net.channels)
    check_pictures(train, loader=options.loader, channels=net.channels)
    loader = normalised(
        options.loader, train, channels=net.channels, weights=weights, reporter=reporter
    )
    return FeatureInputs(
        weights=weights,
        adapt=options.adapt,
        net=net,
        size=size,
        loader=loader,
        train=train,
        test=test,
    )
