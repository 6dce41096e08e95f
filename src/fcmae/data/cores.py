"""Chooses the number of processes that decode images."""

import os

from fcmae.data.options import Loader

MAX_WORKERS = 8


def num_workers(loader: Loader, *, world: int = 1, num_tasks: int | None = None) -> int:
    """Number of loader processes for each of ``world`` ranks that share this machine's cores.

    Args:
        loader: Its ``workers`` win, where they are given.
        world: Processes of the run; on several machines torchrun says how many are on this one.
        num_tasks: More processes than this would have nothing to do.
    """
    if loader.workers is not None:
        return loader.workers
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        cores = os.cpu_count() or 1
    beside = int(os.environ.get("LOCAL_WORLD_SIZE", world))
    workers = min(max(1, cores // beside), MAX_WORKERS)
    return workers if num_tasks is None else min(workers, num_tasks)
