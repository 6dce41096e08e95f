"""Images of the sources that a command is given."""

from pathlib import Path

from fcmae.data.image_list import ImageList
from fcmae.data.listing import PARTS, find_all, find_images
from fcmae.data.options import Loader
from fcmae.data.source import ImageSource, is_path

__all__ = ["find_all", "validation_images"]


def validation_images(
    data: ImageSource, *, labels: bool | None = True, loader: Loader | None = None
) -> ImageList:
    """Images to test on: those of the validation folder where there is one beside a train folder.

    Args:
        data: The source.
        labels: Whether every image must have one. None takes labels where all images have one.
        loader: How many processes read the items of a data set for their labels.
    """
    if is_path(data) and (Path(data) / "train").is_dir():
        for name in PARTS["val"]:
            if (Path(data) / name).is_dir():
                return find_images(Path(data) / name, labels=labels)
    return find_images(data, labels=labels, loader=loader)
