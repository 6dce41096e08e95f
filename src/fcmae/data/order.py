"""Order of images in batches: a function of the seed and the step, and of nothing else."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fcmae.errors import DataError
from fcmae.randomness import permutation

Key = tuple[int, int, int]
"""Epoch, index of an image, and which of several views of it."""


def steps_per_epoch(num_images: int, repeats: int, batch_size: int) -> int:
    """Number of full batches in an epoch; the images left over differ from epoch to epoch."""
    steps = num_images * repeats // batch_size
    if steps == 0:
        views = f" with {repeats} views of each" if repeats > 1 else ""
        raise DataError(
            f"a batch of {batch_size} is larger than the data of {num_images} images{views}: "
            f"use a batch size of at most {num_images * repeats}."
        )
    return steps


def micro_batches(
    *,
    seed: int,
    num_images: int,
    repeats: int,
    first_step: int,
    last_step: int,
    batch_size: int,
    micro_batch: int,
    rank: int,
    world: int,
    shuffled: bool = True,
) -> Iterator[list[Key]]:
    """The micro-batches of one process from ``first_step`` up to, but without, ``last_step``.

    The batch of a step is a slice of its epoch's random order, the same for any number of
    processes; each process takes an equal, contiguous share. The views of an image are neighbours
    in that order, so that one process decodes it once for all of them. Images that are not
    shuffled come in their own order.
    """
    steps = steps_per_epoch(num_images, repeats, batch_size)
    if batch_size % world:
        raise ValueError(
            f"a batch of {batch_size} images cannot be shared equally by {world} processes: "
            f"use a batch size that is a multiple of {world}."
        )
    share = batch_size // world
    epoch = -1
    order: NDArray[np.int64] | range = range(num_images)
    for step in range(first_step, last_step):
        if step // steps != epoch:
            epoch = step // steps
            if shuffled:
                order = permutation(seed, "order", epoch, length=num_images)
        begin = step % steps * batch_size + rank * share
        for start in range(begin, begin + share, micro_batch):
            stop = min(start + micro_batch, begin + share)
            yield [(epoch, int(order[i // repeats]), i % repeats) for i in range(start, stop)]


def evaluation_batches_of(
    *, num_images: int, batch_size: int, rank: int, world: int
) -> Iterator[list[Key]]:
    """Every image once over all processes: process ``rank`` takes every ``world``-th."""
    mine = range(rank, num_images, world)
    for start in range(0, len(mine), batch_size):
        yield [(0, index, 0) for index in mine[start : start + batch_size]]
