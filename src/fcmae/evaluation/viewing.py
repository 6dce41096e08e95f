"""Images as evaluations look at them: the centre, without augmentation."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from fcmae.data.augment import EvaluationView as Centre
from fcmae.data.batch import Batch
from fcmae.data.feed import evaluation_batches
from fcmae.data.image_list import ImageList
from fcmae.data.options import Loader
from fcmae.process_group import Peers
from fcmae.randomness import permutation


@dataclass(frozen=True, kw_only=True)
class Viewing:
    """Size, reading and batch size of the images of an evaluation."""

    size: tuple[int, int]
    loader: Loader
    channels: int
    batch_size: int

    def batches(
        self, images: ImageList, peers: Peers | None = None, *, or_none: bool = False
    ) -> Iterator[Batch]:
        """A process's share of the images; all of them without peers."""
        peers = peers or Peers()
        return evaluation_batches(
            images,
            Centre(self.size),
            loader=self.loader,
            channels=self.channels,
            batch_size=self.batch_size,
            rank=peers.rank,
            world=peers.size,
            or_none=or_none,
        )


def sample(images: ImageList, number: int, seed: int) -> ImageList:
    """Returns ``number`` of the images, drawn by the seed, in their order."""
    order = permutation(seed, "monitor", length=len(images))
    return images.subset(np.sort(order[:number]))
