"""Warns of images that are constant to a model, before it learns from them."""

from statistics import fmean

import numpy as np

from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.data.statistics import of_sample, sampled
from fcmae.engine.report import Reporter
from fcmae.flags import option
from fcmae.setup.words import number

LOOKED_AT = 16
"""Images that are looked at."""

TINY = 0.05
"""Standard deviation of normalised values below which images are as good as constant; about 1 is
usual."""


def tell_constant(loader: Loader, images: ImageList, *, channels: int, reporter: Reporter) -> None:
    """Warns of images of one colour each, and of values that hardly deviate once normalised.

    Args:
        loader: How images are read, with the mean and deviation that are used.
        images: Images to train on.
        channels: What the model takes.
        reporter: Told what is wrong, and the way out.
    """
    taken = sampled(images, channels=channels, loader=loader, most=LOOKED_AT)
    if not taken:
        return
    if all(bool(np.all((x == x[0]) | np.isnan(x))) for x in taken):
        has = "each has" if len(taken) > 1 else "it has"
        reporter.message(
            f"Careful: of {number(len(taken), 'image')} that "
            f"{'were' if len(taken) > 1 else 'was'} looked at, {has} one colour only, so there is "
            "nothing to see. `fcmae check` shows the values of each channel."
        )
        return
    fits = len(loader.std) == channels
    divided_by = loader.std if fits else (fmean(loader.std),) * channels
    measured = of_sample(taken, loader)[0].channels
    spread = max(
        0.0 if channel.constant else channel.std / std
        for channel, std in zip(measured, divided_by, strict=True)
    )
    if spread < TINY:
        reporter.message(
            "Careful: the images are nearly constant to the model. With mean "
            f"{_listed(loader.mean)} and deviation {_listed(loader.std)}, normalised values "
            f"deviate by {spread:.1g} instead of about 1. Give "
            f"{option('loader.statistics', 'data')}, or a mean and deviation in the units of the "
            "images (docs/your-images.md)."
        )


def _listed(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.3g}" for value in values)
