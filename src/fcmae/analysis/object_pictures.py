"""Objects drawn over their image, whatever its size."""

from pathlib import Path

from fcmae.analysis.overlays import draw_detections
from fcmae.data.image_list import ImageList
from fcmae.data.options import Reading
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
    max_pixels: int,
) -> None:
    """Draw objects over their image, or over a reduced one, and write that.

    Args:
        images: The images.
        index: Place of the one to draw on.
        found: Its objects.
        classes: Names of the classes.
        picture: The file to write.
        channels: Of the images.
        max_pixels: Images of more pixels are reduced.

    Raises:
        UnusableImage: The image cannot be decoded.
        StorageError: The picture cannot be written.
    """
    height, width = found.size
    if height * width > max_pixels:
        with images.store.open_regions(index, channels=channels) as regions:
            pixels, side = overview(regions, min(max_pixels, OVERVIEW_PIXELS))
        found = found.reduced(side)
    else:
        pixels = images.store.open(index, how=Reading(max_pixels=max_pixels, max_bytes=EVERYTHING))
    with storage_errors(picture.parent):
        picture.parent.mkdir(parents=True, exist_ok=True)
        draw_detections(pixels, found, classes).save(picture)
