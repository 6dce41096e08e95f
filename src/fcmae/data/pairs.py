"""Batches in which every image comes in two views."""

from collections.abc import Iterator
from dataclasses import replace

from fcmae.data.batch import Batch
from fcmae.data.contrasting import Contrasting
from fcmae.data.feeds import feed_of
from fcmae.data.options import Loader
from fcmae.data.order import steps_per_epoch
from fcmae.data.training_images import TrainingImages

VIEWS = 2


class Pairs:
    """A feed of pairs: what it counts are images, and an epoch shows each of them once.

    The views are cut from a picture that is decoded once. They are those of a ``Feed`` with two
    repeats, so order, views and replacements are functions of (seed, epoch, index) here too.
    """

    def __init__(
        self, images: TrainingImages, view: Contrasting, *, seed: int, loader: Loader, channels: int
    ) -> None:
        self._feed = feed_of(
            images, view, seed=seed, loader=loader, channels=channels, repeats=VIEWS
        )

    @property
    def num_images(self) -> int:
        """Number of images."""
        return self._feed.num_images

    @property
    def fingerprint(self) -> str:
        """Changes when the data set does."""
        return self._feed.fingerprint

    def steps_per_epoch(self, batch_size: int) -> int:
        """Number of full batches in an epoch; a ``DataError`` if there is none."""
        return steps_per_epoch(self.num_images, 1, batch_size)

    def batches(
        self,
        *,
        first_step: int,
        last_step: int,
        batch_size: int,
        micro_batch: int,
        rank: int = 0,
        world: int = 1,
        pin_memory: bool = False,
    ) -> Iterator[Batch]:
        """Micro-batches of this process, as ``Feed.batches``; sizes are in images."""
        for views in self._feed.batches(
            first_step=first_step,
            last_step=last_step,
            batch_size=VIEWS * batch_size,
            micro_batch=VIEWS * micro_batch,
            rank=rank,
            world=world,
            pin_memory=pin_memory,
        ):
            yield replace(
                views,
                labels=None,
                targets=None,
                indices=views.indices[::VIEWS],
                repeats=views.repeats[::VIEWS],
            )
