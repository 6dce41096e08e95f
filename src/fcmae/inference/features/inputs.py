"""The encoder and the images of an evaluation of features, checked before PyTorch is imported."""

from dataclasses import dataclass

from fcmae.checkpoint.options import Rule
from fcmae.data.held_out import few_labels
from fcmae.data.image_list import ImageList
from fcmae.data.listing import split
from fcmae.data.options import Loader
from fcmae.engine.report import Reporter
from fcmae.inference.features.options import EvaluateFeatures
from fcmae.model.options import Architecture
from fcmae.model.timm_options import TimmArchitecture
from fcmae.options.size import size_or
from fcmae.setup.nets import net_at, net_of, weights_or_none
from fcmae.setup.preflight import check_channels, check_pictures
from fcmae.setup.weights import Weights, loader_of


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
    check_channels(options.loader, net.channels)
    loader = options.loader if weights is None else loader_of(weights, options.loader)
    train, test = split(options.data, options.val, share=options.val_share, loader=options.loader)
    if options.labels_per_class is not None:
        train = few_labels(train, options.labels_per_class, options.seed)
    check_pictures(train, loader=loader, channels=net.channels)
    return FeatureInputs(
        weights=weights,
        adapt=options.adapt,
        net=net,
        size=size,
        loader=loader,
        train=train,
        test=test,
    )
