"""Objects drawn over their image, whatever its size."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from fcmae.analysis.overlays import draw_detections
from fcmae.analysis.reconstructions import as_shown
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.data.tiles import EVERYTHING, OVERVIEW_PIXELS, overview
from fcmae.evaluation.detections import Detections
from fcmae.files.durable import storage_errors


def draw(
    images: ImageList,
    index: int,
    found: Detections,
    classes: list[str],
    picture: Path,
    *,
    channels: int,
    loader: Loader,
) -> None:
    """Draw objects over their image, or over a reduced one, and write that.

    Args:
        images: The images.
        index: Place of the one to draw on.
        found: Its objects.
        classes: Names of the classes.
        picture: The file to write.
        channels: Of the images.
        loader: How they are read, with the model's normalisation. Images of more pixels than it
            allows are reduced.

    Raises:
        UnusableImage: The image cannot be decoded.
        StorageError: The picture cannot be written.
    """
    height, width = found.size
    if height * width > loader.max_pixels:
        with images.store.open_regions(index, channels=channels, how=loader.reading) as regions:
            pixels, side = overview(regions, min(loader.max_pixels, OVERVIEW_PIXELS))
        found = found.reduced(side)
    else:
        how = replace(loader.reading, max_bytes=EVERYTHING)
        pixels = images.store.open(index, channels=channels, how=how)
    with storage_errors(picture.parent):
        picture.parent.mkdir(parents=True, exist_ok=True)
        draw_detections(_shown(pixels, loader), found, classes).save(picture)


def _shown(pixels: Picture, loader: Loader) -> Picture:
    """Pictures of more than 8 bits in the range that the model's normalisation shows."""
    if pixels.dtype == np.uint8:
        return pixels
    normalise = Normalisation.of(loader, pixels.shape[2])
    shown: Picture = as_shown(normalise(pixels)[None], normalise)[0].numpy()
    return shown
