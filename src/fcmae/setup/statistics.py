"""Chooses the normalisation of images: that of ImageNet, of weights, or of the data."""

from dataclasses import replace
from typing import Any

from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.data.statistics import Seen, Statistics, look_at, measure
from fcmae.engine.report import Reporter
from fcmae.setup.weights import Weights, loader_of
from fcmae.setup.words import number

FAR_MEAN = 3.0
"""Standard deviations between two means from which data are unlike those of weights."""

FAR_STD = 5.0
"""Ratio of two standard deviations from which data are unlike those of weights."""

COMPARED = 32
"""Images that are compared with those of a trained model."""

WIDE = 0.05
"""Standard deviation that photographs of 8 bits have at least."""


def is_given(loader: Loader) -> bool:
    """Returns whether the options name mean and deviation."""
    return (loader.mean, loader.std) != (Loader.mean, Loader.std)


def normalised(
    loader: Loader,
    images: ImageList,
    *,
    channels: int,
    weights: Weights | None,
    reporter: Reporter,
    seen: Seen | None = None,
) -> Loader:
    """The loader with the mean and deviation that a training uses.

    Those of the options, if they are given; else those of the weights; else those of ImageNet for
    grey and colour of 8 bits, and measured ones for all other images. Measured ones also take the
    place of the weights' where images are unlike those that the weights were made with.

    Args:
        loader: How images are read.
        images: The images to train on.
        channels: What the model takes.
        weights: The weights that the training starts from.
        reporter: Told what was measured.
        seen: Kinds of the images, where they were looked at.

    Raises:
        DataError: No image can be used.
        ValueError: The options contradict the weights.
    """
    known = None if weights is None else weights.card.mean
    fits = known is not None and len(known) == channels
    if weights is not None and fits and not is_data(loader):
        loader = loader_of(weights, loader)
    elif is_given(loader):
        return loader
    if loader.statistics == "imagenet":
        return loader
    plain = (seen or look_at(images, loader.reading)).eight_bits
    if loader.statistics == "auto" and plain and min(loader.std) >= WIDE:
        return loader
    measured = measure(images, channels=channels, loader=loader)
    if loader.statistics == "auto" and fits and not is_far(loader, measured):
        return loader
    unlike = "The images are unlike those that the weights were made with. " if fits else ""
    reporter.message(
        f"{unlike if loader.statistics == 'auto' else ''}Images are normalised by their own mean "
        f"and standard deviation, measured on {number(measured.images, 'image')}: {measured}."
    )
    nodata = loader.nodata if measured.mark is None else measured.mark
    return replace(loader, mean=measured.mean, std=measured.std, nodata=nodata)


def tell_unlike(loader: Loader, images: ImageList, *, channels: int, reporter: Reporter) -> None:
    """Warns of images with other values than those that a trained model was made for."""
    if look_at(images, loader.reading).eight_bits and min(loader.std) >= WIDE:
        return
    measured = measure(images, channels=channels, loader=loader, most=COMPARED)
    fits = len(loader.mean) == channels
    if fits and is_far(loader, measured):
        made_for = " ".join(f"{x:.3g}" for x in loader.mean)
        reporter.message(
            "Careful: the images are unlike those that the weights were made with, so the results "
            f"may mean nothing. They have {measured}; those had mean {made_for}. Are their values "
            "scaled in another way?"
        )


def is_measured(loader: Loader, *, eight_bits: bool) -> bool:
    """Returns whether a training without weights measures the statistics of its images.

    Args:
        loader: How images are read.
        eight_bits: Whether all images are grey or colour of 8 bits.
    """
    return is_data(loader) or (
        loader.statistics == "auto" and not is_given(loader) and not eight_bits
    )


def is_data(loader: Loader) -> bool:
    """Returns whether the options ask for measured statistics."""
    return loader.statistics == "data" and not is_given(loader)


def is_far(loader: Loader, measured: Statistics) -> bool:
    """Returns whether images are unlike what a mean and deviation were made for."""
    return any(
        _unlike(mean, std, channel.mean, channel.std)
        for mean, std, channel in zip(loader.mean, loader.std, measured.channels, strict=True)
        if not channel.constant
    )


def _unlike(mean: float, std: float, of_data: float, std_of_data: float) -> bool:
    ratio = std_of_data / std
    return abs(of_data - mean) > FAR_MEAN * std or not 1 / FAR_STD <= ratio <= FAR_STD


def decided(before: Loader, after: Loader) -> dict[str, Any]:
    """What was decided, by dotted name: mean, deviation, and the mark of missing pixels."""
    names = ("mean", "std", "nodata")
    found = {name: getattr(after, name) for name in names}
    return {f"loader.{x}": y for x, y in found.items() if y != getattr(before, x)}
