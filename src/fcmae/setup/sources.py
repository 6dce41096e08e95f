"""Several files, folders and lists as one list of images."""

import os
from collections.abc import Sequence
from pathlib import Path

from fcmae.data.image_list import ImageList
from fcmae.data.listing import PARTS, find_images


def find_all(sources: Sequence[Path]) -> ImageList:
    """The images of all sources, in their order, each once; labels are not looked at.

    Paths are kept the way the sources were given, so that results name files as the user does.
    """
    names: dict[bytes, None] = {}
    for source in sources:
        images = find_images(source, labels=False)
        names.update(dict.fromkeys(os.fsencode(images.path(i)) for i in range(len(images))))
    return ImageList.of(Path(), list(names))


def validation_images(data: Path, *, labels: bool | None = True) -> ImageList:
    """Images to test on: those of the validation folder where there is one beside a train folder.

    Args:
        data: What the user names.
        labels: Whether every image must have one. None takes labels where all images have one.
    """
    if (data / "train").is_dir():
        for name in PARTS["val"]:
            if (data / name).is_dir():
                return find_images(data / name, labels=labels)
    return find_images(data, labels=labels)
