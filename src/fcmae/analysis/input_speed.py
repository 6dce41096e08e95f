"""Measures views per second of one core, beside torchvision's usual way."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from statistics import median, quantiles
from typing import Any

import numpy as np
import torch
from torch.utils.data import default_collate
from torchvision.datasets.folder import default_loader
from torchvision.transforms import (
    Compose,
    InterpolationMode,
    Normalize,
    RandomHorizontalFlip,
    RandomResizedCrop,
    ToTensor,
)

from fcmae.data.augment import Pretraining
from fcmae.data.batch import Batch
from fcmae.data.image_list import ImageList
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Crop, Loader
from fcmae.data.order import Key
from fcmae.data.samples import Samples
from fcmae.errors import DataError, FcmaeError

Way = Callable[[list[Key]], object]
"""Makes a batch of these views."""

BASELINE = "torchvision"
LEAST_PSNR = 30.0
"""In dB; below this, pixels are wrong rather than approximate, and nothing is timed."""


@dataclass(frozen=True, kw_only=True)
class InputSpeed:
    """Result of the measurement.

    Attributes:
        images: How many files took part.
        left_out: How many could not be read by every way.
        per_s: Views per second of one core's time, by way: the median over batches.
        speedup: How many times faster than torchvision each way is: the median over pairs of
            batches timed one after the other.
        spread: The quarter and three quarter points of those ratios.
        psnr: Of fitting against exact decoding, in dB: the median over images, and the lowest.
    """

    images: int
    left_out: int
    per_s: dict[str, float]
    speedup: dict[str, float]
    spread: dict[str, tuple[float, float]]
    psnr: tuple[float, float]


def input_speed(
    images: ImageList,
    *,
    size: tuple[int, int],
    crop: Crop,
    loader: Loader,
    repeats: int = 1,
    batch_size: int = 8,
    batches: int = 40,
    packed: ImageList | None = None,
) -> InputSpeed:
    """Compare pixels, then time every way on the same files, batch by batch in turn.

    Args:
        images: Files; those that some way cannot read are left out.
        size: Height and width of the views.
        crop: Which regions are shown.
        loader: Mean, std and limits; its ``workers`` and ``decode`` do not matter.
        repeats: Views of each image that lie side by side in a batch.
        batch_size: Images per batch.
        batches: How many batches each way makes.
        packed: The same images in one file.
    """
    samples = {
        "exact": _samples(images, size, crop, replace(loader, decode="exact"), repeats),
        "fitting": _samples(images, size, crop, replace(loader, decode="fitting"), repeats),
    }
    psnr = _compare(samples["fitting"], samples["exact"], images)
    if not psnr:
        raise DataError("none of the images can be read both by fcmae and by torchvision.")
    ratios = list(psnr.values())
    if min(ratios) < LEAST_PSNR:
        worst = min(psnr, key=lambda index: psnr[index])
        raise FcmaeError(
            f"fitting and exact decoding of {images.name(worst)} differ by {psnr[worst]:.1f} dB, "
            f"but at least {LEAST_PSNR:g} dB are promised: nothing was timed."
        )
    ways: dict[str, Way] = {BASELINE: _torchvision(images, size, crop, loader)}
    ways |= {name: made.__getitems__ for name, made in samples.items()}
    if packed is not None:
        ways["packed"] = _samples(packed, size, crop, loader, repeats).__getitems__
    seconds = _times(ways, list(psnr), repeats, batch_size, batches)
    speedups = {
        name: [a / b for a, b in zip(seconds[BASELINE], of_way, strict=True)]
        for name, of_way in seconds.items()
    }
    quarters = {name: quantiles(values, n=4) for name, values in speedups.items()}
    return InputSpeed(
        images=len(psnr),
        left_out=len(images) - len(psnr),
        per_s={name: batch_size * repeats / median(x) for name, x in seconds.items()},
        speedup={name: median(values) for name, values in speedups.items()},
        spread={name: (points[0], points[2]) for name, points in quarters.items()},
        psnr=(median(ratios), min(ratios)),
    )


def _samples(
    images: ImageList, size: tuple[int, int], crop: Crop, loader: Loader, repeats: int
) -> Samples:
    return Samples(
        images,
        Pretraining(size, crop),
        seed=0,
        loader=loader,
        channels=3,
        replacing=False,
        repeats=repeats,
    )


def _compare(fitting: Samples, exact: Samples, images: ImageList) -> dict[int, float]:
    """PSNR of the first view of each image that every way can read."""
    psnr = {}
    for index in range(len(images)):
        pair = [_batch(samples, [(0, index, 0)]) for samples in (fitting, exact)]
        if all(len(batch) for batch in pair) and _torchvision_reads(images, index):
            a, b = (fitting.normalise.undo(batch.images) for batch in pair)
            error = float((a - b).square().mean())
            # Equal pictures would be infinitely near; 8 bits cannot tell 100 dB from that.
            psnr[index] = 100.0 if error < 1e-10 else -10 * math.log10(error)
    return psnr


def _batch(samples: Samples, keys: list[Key]) -> Batch:
    batch = samples.__getitems__(keys)
    if isinstance(batch, DataError):
        raise batch
    return batch


def _torchvision_reads(images: ImageList, index: int) -> bool:
    try:
        default_loader(str(images.path(index)))
    except (OSError, ValueError, SyntaxError):
        return False
    return True


def _torchvision(images: ImageList, size: tuple[int, int], crop: Crop, loader: Loader) -> Way:
    """Loads as an ``ImageFolder`` and a ``DataLoader`` of a training script do, without labels."""
    normalise = Normalisation.of(loader, 3)
    bicubic = InterpolationMode.BICUBIC
    transform: Callable[[Any], Any] = Compose(
        [
            RandomResizedCrop(size, scale=crop.scale, interpolation=bicubic, antialias=True),
            RandomHorizontalFlip(0.5 if crop.flip else 0.0),
            ToTensor(),
            Normalize(normalise.mean, normalise.std),
        ]
    )

    def batch(keys: list[Key]) -> object:
        paths = [str(images.path(index)) for _, index, _ in keys]
        return default_collate([transform(default_loader(path)) for path in paths])

    return batch


def _times(
    ways: dict[str, Way], indices: Sequence[int], repeats: int, batch_size: int, batches: int
) -> dict[str, list[float]]:
    """Seconds of one core that each way took for each batch."""
    order = np.random.default_rng(0).permutation(indices).tolist()
    endless = ((turn, index) for turn, index in enumerate(cycle(order)))
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for number in range(batches + 1):
            places = list(islice(endless, batch_size))
            keys = [(turn, index, view) for turn, index in places for view in range(repeats)]
            for name in np.roll(list(ways), number).tolist():
                begun = time.thread_time()
                ways[name](keys)
                if number:  # the first one warms up
                    seconds[name].append(time.thread_time() - begun)
    finally:
        torch.set_num_threads(threads)
    return seconds
