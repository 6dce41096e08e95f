"""Sentences about a data set that is checked: what was understood, and what may be a fault."""

from collections.abc import Iterator

from PIL import ExifTags, Image

from fcmae.cli.datasets.check_parts import DatasetParts
from fcmae.data.duplicates import duplicates
from fcmae.data.image_list import ImageList
from fcmae.data.image_store import FileStore
from fcmae.data.objects.table import Objects
from fcmae.data.segments.label_maps import LabelMapAnnotations
from fcmae.data.segments.survey import survey, told
from fcmae.setup.words import number

MASKS = 1000
"""Label maps whose pixels are counted, spread over a part."""


def notes_on(parts: DatasetParts) -> Iterator[str]:
    """Yields a sentence for each thing about a data set that a person would want to know.

    Args:
        parts: The images of each part with their labels.
    """
    for name, images in parts.images.items():
        yield from images.notes
        part = "" if name == "all" else name
        if isinstance(images.annotations, LabelMapAnnotations):
            yield from _on_label_maps(part, images)
            yield from _on_turned(part, images, "masks")
        elif isinstance(images.annotations, Objects):
            yield from _on_turned(part, images, "boxes and outlines")
    yield from duplicates(parts.images).sentences()


def _on_label_maps(part: str, images: ImageList) -> Iterator[str]:
    """Yields the share of ignored pixels."""
    assert isinstance(images.annotations, LabelMapAnnotations)
    found, classes = survey(images, MASKS), images.classes or ()
    where = f"{part}: " if part else ""
    shown = [name for name, count in zip(classes, found.pixels.tolist(), strict=True) if count]
    if found.masks and len(shown) < 2 and part != "val":
        all_of = f"are of class {shown[0]}" if shown else "are ignored"
        yield (
            f"{where}all pixels that count {all_of}, so that no training starts: there is nothing "
            "to learn."
        )
    for sentence in told(found, classes, images.annotations.meaning.ignore_index):
        yield where + sentence


def _on_turned(part: str, images: ImageList, labels: str) -> Iterator[str]:
    """Yields how many images EXIF turns or mirrors, away from labels for them as stored."""
    turned = [index for index in range(len(images)) if _is_turned(images, index)]
    if turned:
        yield (
            f"{part}{': ' if part else ''}{number(len(turned), 'image')} such as "
            f"{images.name(turned[0])} {'is' if len(turned) == 1 else 'are'} turned by EXIF: "
            f"{labels} must be of the upright picture."
        )


def _is_turned(images: ImageList, index: int) -> bool:
    """True if EXIF turns or mirrors an image."""
    if not isinstance(images.store, FileStore):
        return False
    try:
        with Image.open(images.path(index)) as image:
            return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)
    except Exception:  # whatever is wrong with the file is named by the check of its pixels
        return False
