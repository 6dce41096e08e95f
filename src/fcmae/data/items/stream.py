"""Streams of images: batches in the stream's own order, for pre-training and contrast.

What holds of a run over a stream:

- For each epoch the stream is begun anew, after ``set_epoch(epoch)`` where it has that. An epoch is
  ``length`` images long; a stream that ends sooner begins again within it.
- Images come in the stream's order and are not shuffled. Their views are functions of
  (seed, epoch, place in the epoch), as for images by number.
- One process reads the stream (none with ``loader.workers`` 0). Of several training processes each
  reads all of it and keeps its share.
- A resumed run reads the epoch's first images again and drops them. It equals an uninterrupted run
  bit for bit if the stream gives the same images in the same order whenever an epoch begins. Draws
  from global generators are seeded for each image.
- An image that cannot be used is replaced by the next one that can, and reported.
- The stream is known again by its length and its first 16 images.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
from torch.utils.data import IterableDataset

from fcmae.data.augment import View
from fcmae.data.batch import Batch
from fcmae.data.cores import num_workers
from fcmae.data.feed import batch_bytes
from fcmae.data.image_list import ImageList
from fcmae.data.items.find import store_of
from fcmae.data.items.held import Held
from fcmae.data.items.store import ItemStore
from fcmae.data.options import Loader
from fcmae.data.order import Key, micro_batches, steps_per_epoch
from fcmae.data.samples import Samples
from fcmae.data.source import ImageData, ImageStream, described
from fcmae.data.unusable import Unusable
from fcmae.data.workers import load
from fcmae.errors import DataError
from fcmae.randomness import integer, seed_host, state_kept

FIRST = 16
"""Images by which a stream is known again."""


class ShuffleWindow(Sequence[Any]):
    """The items of an epoch of a stream from some place on; those before it are gone.

    Args:
        stream: The stream.
        seed: What it draws from global generators follows from this, epoch and place.
    """

    def __init__(self, stream: ImageStream, seed: int) -> None:
        self.stream, self.seed = stream, seed
        self.epoch = -1
        self._items: deque[Any] = deque()
        self._first = 0
        self._iterator: Iterator[Any] = iter(())

    def __len__(self) -> int:
        return len(self.stream)

    def __getitem__(self, place: Any) -> Any:
        """The item at a place of the epoch, which is read up to there."""
        while self._first + len(self._items) <= place:
            self._items.append(self._next())
        return self._items[place - self._first]

    def begin(self, epoch: int, place: int) -> None:
        """Let go of what comes before a place of an epoch."""
        if epoch != self.epoch or place < self._first:
            self.epoch, self._first = epoch, 0
            self._items.clear()
            self._iterator = self._begun()
        while self._first < place:
            if self._items:
                self._items.popleft()
            else:
                self._next()
            self._first += 1

    def _begun(self) -> Iterator[Any]:
        if hasattr(self.stream.dataset, "set_epoch"):
            self.stream.dataset.set_epoch(self.epoch)
        return iter(self.stream.dataset)

    def _next(self) -> Any:
        place = self._first + len(self._items)
        for _ in range(2):
            seed_host(integer(self.seed, "stream", self.epoch, place))
            try:
                return next(self._iterator)
            except StopIteration:
                self._iterator = self._begun()
            except Exception as error:  # somebody's code; after an error it gives nothing more
                raise DataError(
                    f"{described(self.stream)} ended at image {place} of epoch {self.epoch} with "
                    f"{type(error).__name__}: {error}. Leave such images out inside of it, or let "
                    "it give None for them."
                ) from error
        raise DataError(f"{described(self.stream)} gives no images.")


class StreamStore(ItemStore):
    """The items of an epoch, as far as the window has them."""

    draws = False  # the window seeds

    def place(self, index: int) -> int:
        """The index: places are those of the epoch."""
        return index


class StreamSamples(Samples):
    """Reads a stream and makes views of its images."""

    def __init__(self, window: ShuffleWindow, view: View, **rest: Any) -> None:
        store = StreamStore(held=Held(window), indices=np.empty(0, np.int64), title="the stream")
        super().__init__(ImageList(store=store), view, replacing=True, **rest)
        self.window = window

    def __getitems__(self, keys: list[Key]) -> Batch | DataError:
        """One batch, or the error that ends the run."""
        try:
            with state_kept():
                self.window.begin(*keys[0][:2])
                return self._batch(keys)
        except DataError as error:
            return error

    def candidate(self, image: tuple[int, int], attempt: int) -> int:
        """The place itself, or one of those after it."""
        return image[1] + attempt


class _Batches(IterableDataset[Any]):
    """The batches of a plan, one after the other."""

    def __init__(self, samples: StreamSamples, plan: Callable[[], Iterator[list[Key]]]) -> None:
        self.samples, self.plan = samples, plan

    def __iter__(self) -> Iterator[Any]:
        for keys in self.plan():
            yield self.samples.__getitems__(keys)


class StreamFeed:
    """Endless training batches over a stream.

    Attributes:
        stream: The stream.
        unusable: The images that had to be replaced so far.
    """

    def __init__(
        self,
        stream: ImageStream,
        view: View,
        *,
        seed: int,
        loader: Loader,
        channels: int,
        repeats: int = 1,
    ) -> None:
        self.stream, self.view, self.repeats = stream, view, repeats
        self.seed, self.loader, self.channels = seed, loader, channels
        self.unusable = Unusable(len(stream), loader)

    @property
    def num_images(self) -> int:
        """Number of images of an epoch."""
        return len(self.stream)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the length and the pictures of the first 16 images."""
        digest = hashlib.sha256(f"stream of {len(self.stream)}\n".encode())
        for part in first_images(self.stream, FIRST).store.identity():
            digest.update(part)
        return digest.hexdigest()

    def steps_per_epoch(self, batch_size: int) -> int:
        """Number of full batches in an epoch; a ``DataError`` if there is none."""
        return steps_per_epoch(self.num_images, self.repeats, batch_size)

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
        """Micro-batches of this process, as ``Feed.batches``."""
        plan = partial(
            micro_batches,
            seed=self.seed,
            num_images=self.num_images,
            repeats=self.repeats,
            first_step=first_step,
            last_step=last_step,
            batch_size=batch_size,
            micro_batch=micro_batch,
            rank=rank,
            world=world,
            shuffled=False,
        )
        samples = StreamSamples(
            ShuffleWindow(self.stream, self.seed),
            self.view,
            seed=self.seed,
            loader=self.loader,
            channels=self.channels,
            repeats=self.repeats,
        )
        size = min(micro_batch, batch_size // world)
        for batch in load(
            _Batches(samples, plan),
            None,
            loader=self.loader,
            workers=min(1, num_workers(self.loader, world=world)),
            batch_bytes=batch_bytes(self.view, self.channels, size) * world,
            pin_memory=pin_memory,
        ):
            self.unusable.add(batch.unusable)
            yield batch


def first_images(stream: ImageStream, number: int, seed: int = 0) -> ImageList:
    """So many images from the beginning of a stream, or an epoch's if that is fewer."""
    window = ShuffleWindow(stream, seed)
    with state_kept():
        window.begin(0, 0)
        items = [window[place] for place in range(min(number, len(stream)))]
    return ImageList(store=store_of(ImageData(items)))
