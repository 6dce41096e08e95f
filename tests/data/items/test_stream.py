"""Streams: the stream's own order, exact resume by reading again, and errors in a line."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.testing import assert_close
from torch.utils.data import IterableDataset

from data.items.things import noise
from fcmae.data.augment import Pretraining
from fcmae.data.batch import Batch
from fcmae.data.contrasting import Contrasting
from fcmae.data.feeds import feed_of
from fcmae.data.items.stream import StreamFeed
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.data.pairs import Pairs
from fcmae.data.source import ImageStream, as_stream, is_stream
from fcmae.data.training_images import at_hand
from fcmae.errors import DataError
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)
SIZE = (16, 24)
IMAGES = noise(12)


class Stream(IterableDataset[Any]):
    """Images in another order in each epoch, which draws from a global generator."""

    def __init__(self, images: Any = IMAGES, *, draws: bool = False, raises: int = -1) -> None:
        self.images, self.draws, self.raises = images, draws, raises
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        for number in np.random.default_rng(self.epoch).permutation(len(self.images)).tolist():
            if number == self.raises:
                raise OSError("the shard is gone")
            image = self.images[number]
            if self.draws:
                image = np.full_like(image, int(torch.randint(256, ())))
            yield image, number


def feed(stream: Any, *, workers: int = 0, length: int = 12, repeats: int = 1) -> StreamFeed:
    found = feed_of(
        ImageStream(stream, length=length),
        Pretraining(SIZE),
        seed=5,
        loader=Loader(workers=workers),
        channels=3,
        repeats=repeats,
    )
    assert isinstance(found, StreamFeed)
    return found


def run(source: Any, first_step: int = 0, last_step: int = 8, **changes: int) -> list[Batch]:
    settings = {"batch_size": 4, "micro_batch": 4} | changes
    return list(source.batches(first_step=first_step, last_step=last_step, **settings))


def assert_same(actual: list[Batch], expected: list[Batch]) -> None:
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        assert_close(one.images, other.images, rtol=0, atol=0)
        assert_close(one.indices, other.indices, rtol=0, atol=0)
        assert (one.epoch, one.unusable) == (other.epoch, other.unusable)


def plain(count: int) -> list[np.ndarray]:
    """Images of one shade each, so that a view tells its image."""
    return [np.full((20, 30, 3), 10 * number, np.uint8) for number in range(count)]


def shades(batches: list[Batch]) -> list[int]:
    """The numbers of plain images that batches show."""
    red = torch.cat([batch.images[:, 0, 0, 0] for batch in batches])
    return ((red * 0.229 + 0.485) * 25.5).round().int().tolist()


def test_images_come_in_the_streams_order_begun_anew_for_each_epoch() -> None:
    found = shades(run(feed(Stream(plain(12))), last_step=6))
    orders = [np.random.default_rng(epoch).permutation(12).tolist() for epoch in (0, 1)]
    assert found == orders[0] + orders[1]


def test_a_stream_that_ends_sooner_begins_again_within_the_epoch() -> None:
    found = shades(run(feed(Stream(plain(5))), last_step=3))
    order = np.random.default_rng(0).permutation(5).tolist()
    assert found == (order * 3)[:12]


@pytest.mark.full
@pytest.mark.parametrize("draws", [False, True], ids=["fixed", "drawing"])
@pytest.mark.parametrize("repeats", [1, 3])
def test_batches_depend_neither_on_workers_nor_on_where_a_run_began(
    draws: bool, repeats: int
) -> None:
    def made(workers: int) -> StreamFeed:
        return feed(Stream(draws=draws), workers=workers, repeats=repeats)

    expected = run(made(0), last_step=12)
    assert_same(run(made(2), last_step=12), expected)
    for first in (2, 5, 11):
        assert_same(run(made(first % 2), first, 12), expected[first:])
    assert len({float(batch.images.sum()) for batch in expected}) == 12


def test_several_processes_share_the_batches_of_one() -> None:
    parts = [run(feed(Stream()), rank=rank, world=2, micro_batch=1) for rank in (0, 1)]
    for step, batch in enumerate(run(feed(Stream()))):
        halves = [part[2 * step : 2 * step + 2] for part in parts]
        joined = torch.cat([micro.images for half in halves for micro in half])
        assert_close(joined, batch.images, rtol=0, atol=0)


def test_pairs_of_views_are_made_of_a_stream() -> None:
    pairs = Pairs(
        ImageStream(Stream(), length=12),
        Contrasting(SIZE),
        seed=1,
        loader=Loader(workers=0),
        channels=3,
    )
    batches = run(pairs, last_step=4)
    assert all(batch.images.shape == (8, 3, *SIZE) for batch in batches)
    assert_same(run(pairs, 2, 4), batches[2:])


def test_an_unusable_image_is_replaced_by_the_next_and_named() -> None:
    images: list[Any] = plain(12)
    order = np.random.default_rng(0).permutation(12).tolist()
    images[order[2]], images[order[3]] = None, np.zeros((9, 9, 7), np.uint8)
    source = feed(Stream(images))
    batches = run(source, last_step=3)
    assert shades(batches) == [*order[:2], order[4], order[4], *order[4:]]
    assert source.unusable.files.keys() == {"item 2", "item 3"}
    assert "this one is None" in source.unusable.files["item 2"]
    assert_same(run(feed(Stream(images)), 1, 3), batches[1:])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_stream_that_raises_ends_the_run_in_a_line(workers: int) -> None:
    with pytest.raises(DataError, match=r"stream Stream of 12 images ended at image .* OSError"):
        run(feed(Stream(raises=3), workers=workers))


def test_a_stream_without_images_is_told() -> None:
    with pytest.raises(DataError, match="the stream Stream of 12 images gives no images"):
        run(feed(Stream([])))


def test_a_stream_is_known_by_its_length_and_first_images() -> None:
    other = IMAGES.copy()
    other[5] ^= 1
    prints = [
        feed(stream, length=length).fingerprint
        for stream, length in ((Stream(), 12), (Stream(), 12), (Stream(), 13), (Stream(other), 12))
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_some_images_of_a_stream_are_at_hand() -> None:
    found = at_hand(ImageStream(Stream(), length=12), 3)
    order = np.random.default_rng(0).permutation(12)
    assert len(found) == 3
    assert np.array_equal(found.store.open(1), IMAGES[order[1]])


class Sized(Stream):
    def __len__(self) -> int:
        return len(self.images)


def test_a_stream_tells_its_length_or_is_given_one() -> None:
    assert is_stream(Stream())
    assert is_stream(Sized())
    assert not is_stream(IMAGES)
    assert len(as_stream(Sized())) == 12
    with pytest.raises(DataError, match=r"Stream does not say its length: give one, as in fcmae"):
        as_stream(Stream())
    with pytest.raises(DataError, match=r"begun anew for each epoch, but generator cannot be"):
        as_stream(image for image in IMAGES)
    with pytest.raises(ValueError, match="length is 0, but must be at least 1"):
        ImageStream(Stream(), length=0)


def test_where_images_are_asked_for_by_number_a_stream_is_refused() -> None:
    with pytest.raises(DataError, match="which only pre-training and contrastive learning can do"):
        find_images(Sized())
