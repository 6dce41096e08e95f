"""Every image once per epoch, in the same batches whatever the number of processes."""

from collections.abc import Iterable
from itertools import chain, product

import pytest

from fcmae.data.order import Key, evaluation_batches_of, micro_batches, steps_per_epoch
from fcmae.errors import DataError

SIZES = (1, 2, 7, 96, 97)


def joined(batches: Iterable[list[Key]]) -> list[Key]:
    return list(chain.from_iterable(batches))


def steps(world: int = 1, rank: int = 0, micro: int = 1000, **changes: int) -> list[list[Key]]:
    settings = {"seed": 3, "num_images": 97, "repeats": 1, "batch_size": 8} | changes
    settings = {"first_step": 0, "last_step": 30} | settings
    return list(micro_batches(**settings, rank=rank, world=world, micro_batch=micro))


@pytest.mark.parametrize(
    ("num_images", "batch_size", "repeats"),
    [case for case in product(SIZES, (1, 4, 32), (1, 3)) if case[0] * case[2] >= case[1]],
)
def test_an_epoch_shows_every_image_at_most_once_and_drops_less_than_a_batch(
    num_images: int, batch_size: int, repeats: int
) -> None:
    count = steps_per_epoch(num_images, repeats, batch_size)
    for epoch in (0, 1):
        batches = steps(
            num_images=num_images,
            batch_size=batch_size,
            repeats=repeats,
            first_step=epoch * count,
            last_step=(epoch + 1) * count,
        )
        keys = [key for batch in batches for key in batch]
        assert len(keys) == len(set(keys)) == count * batch_size
        assert num_images * repeats - len(keys) < batch_size
        assert {key[0] for key in keys} == {epoch}
        assert {key[1] for key in keys} <= set(range(num_images))
        assert {key[2] for key in keys} <= set(range(repeats))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    first = [key[1] for key in steps(batch_size=97, last_step=1)[0]]
    second = [key[1] for key in steps(batch_size=97, first_step=1, last_step=2)[0]]
    other = [key[1] for key in steps(batch_size=97, last_step=1, seed=4)[0]]
    assert sorted(first) == sorted(second) == sorted(other) == list(range(97))
    assert first != second
    assert first != other
    assert first != list(range(97))


@pytest.mark.parametrize("world", [2, 4, 8])
def test_a_step_has_the_same_images_at_any_number_of_processes(world: int) -> None:
    alone = steps()
    shared = [steps(world=world, rank=rank) for rank in range(world)]
    assert alone == [joined(parts) for parts in zip(*shared, strict=True)]


@pytest.mark.parametrize(("micro", "lengths"), [(3, [3, 3, 2]), (4, [4, 4]), (100, [8])])
def test_micro_batches_cut_a_step_in_order(micro: int, lengths: list[int]) -> None:
    cut = steps(micro=micro, last_step=2)
    assert [len(batch) for batch in cut] == lengths * 2
    assert joined(cut) == joined(steps(last_step=2))


def test_starting_later_gives_the_rest() -> None:
    for first in (1, 11, 12, 13, 29):  # an epoch has 12 steps
        assert steps(first_step=first) == steps()[first:]


def test_views_of_an_image_are_neighbours() -> None:
    keys = joined(steps(repeats=4, last_step=4))
    for start in range(0, len(keys), 4):
        assert [key[2] for key in keys[start : start + 4]] == [0, 1, 2, 3]
        assert len({key[1] for key in keys[start : start + 4]}) == 1


def test_a_batch_larger_than_the_data_says_what_would_fit() -> None:
    with pytest.raises(
        DataError, match=r"batch of 8 is larger than the data of 7 images: .* most 7"
    ):
        steps(num_images=7)
    with pytest.raises(DataError, match=r"3 images with 2 views of each: .* at most 6"):
        steps(num_images=3, repeats=2)


def test_a_batch_that_cannot_be_shared_equally_is_refused() -> None:
    with pytest.raises(ValueError, match="8 images cannot be shared equally by 3 processes"):
        steps(world=3)


@pytest.mark.parametrize(("num_images", "world"), list(product(SIZES, [1, 2, 3])))
def test_evaluation_sees_every_image_exactly_once(num_images: int, world: int) -> None:
    batches = [
        batch
        for rank in range(world)
        for batch in evaluation_batches_of(
            num_images=num_images, batch_size=4, rank=rank, world=world
        )
    ]
    assert sorted(key[1] for batch in batches for key in batch) == list(range(num_images))
    assert all(1 <= len(batch) <= 4 for batch in batches)
