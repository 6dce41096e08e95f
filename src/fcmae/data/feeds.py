"""The feed of a source: of images by number, or of a stream."""

from typing import Any, TypeAlias

from fcmae.data.augment import View
from fcmae.data.feed import Feed
from fcmae.data.image_list import ImageList
from fcmae.data.items.stream import StreamFeed, first_images
from fcmae.data.source import ImageStream

TrainingImages: TypeAlias = ImageList | ImageStream
"""Images to pre-train on."""


def feed_of(images: TrainingImages, view: View, **settings: Any) -> Feed | StreamFeed:
    """Endless training batches.

    Args:
        images: A list of images, or a stream.
        view: What makes tensors of pictures.
        settings: Those of ``Feed``: seed, loader, channels and repeats.
    """
    if isinstance(images, ImageStream):
        return StreamFeed(images, view, **settings)
    return Feed(images, view, **settings)


def at_hand(images: TrainingImages, number: int) -> ImageList:
    """Images that can be asked for by number: all of a list, the first ones of a stream.

    Args:
        images: A list of images, or a stream.
        number: How many of a stream are wanted.
    """
    return first_images(images, number) if isinstance(images, ImageStream) else images
