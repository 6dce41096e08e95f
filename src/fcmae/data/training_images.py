"""Images to pre-train on: by number, or one after the other."""

from typing import TypeAlias

from fcmae.data.image_list import ImageList
from fcmae.data.listing import find_images
from fcmae.data.source import ImageSource, ImageStream, as_stream, is_stream

TrainingImages: TypeAlias = ImageList | ImageStream
"""A list of images, or a stream."""


def find_training_images(source: ImageSource) -> TrainingImages:
    """The images of a source, which may be a stream; labels are not looked at.

    Raises:
        DataError: There are none, or a stream does not say how many.
    """
    return as_stream(source) if is_stream(source) else find_images(source, labels=False)


def at_hand(images: TrainingImages, number: int) -> ImageList:
    """Images that can be asked for by number: all of a list, the first ones of a stream.

    Args:
        images: A list of images, or a stream.
        number: How many of a stream are wanted.
    """
    if isinstance(images, ImageList):
        return images
    from fcmae.data.items.stream import first_images

    return first_images(images, number)
