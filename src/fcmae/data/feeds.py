"""The feed of images to pre-train on: by number, or of a stream."""

from typing import Any

from fcmae.data.augment import View
from fcmae.data.feed import Feed
from fcmae.data.items.stream import StreamFeed
from fcmae.data.source import ImageStream
from fcmae.data.training_images import TrainingImages


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
