"""Images of the sources that a command is given."""

from fcmae.data import listing
from fcmae.data.image_list import ImageList
from fcmae.data.listing import PARTS, find_images, find_part, split
from fcmae.data.options import Loader
from fcmae.data.source import ImageSource, ImageSources, named_paths, paths_of


def find_all(sources: ImageSources, *, loader: Loader | None = None) -> ImageList:
    """The images of all sources, in their order; labels are not looked at."""
    paths = paths_of(sources)
    if paths is None:
        return find_images(sources, labels=False, loader=loader)
    return listing.find_all(paths)


def split_or_none(source: ImageSource | None, loader: Loader) -> tuple[ImageList, ImageList] | None:
    """Labelled images to train on and to test on, where there is a source of any."""
    return None if source is None else split(source, loader=loader)


def validation_images(
    data: ImageSource, *, labels: bool | None = True, loader: Loader | None = None
) -> ImageList:
    """Images to test on: those of the validation folder where there is one beside a train folder.

    Args:
        data: The source.
        labels: Whether every image must have one. None takes labels where all images have one.
        loader: How many processes read the items of a data set for their labels.
    """
    for path in named_paths(data):
        parts = [path / name for name in PARTS["val"] if (path / name).is_dir()]
        if parts and (path / "train").is_dir():
            return find_images(parts[0], labels=labels)
    return find_part(data, "val", labels=labels, loader=loader)
