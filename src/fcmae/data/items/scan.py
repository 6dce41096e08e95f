"""Reading what comes with every item of a data set, once, before a run begins."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from fcmae.data.cores import num_workers
from fcmae.data.image import UnusableImage
from fcmae.data.items.store import ItemStore
from fcmae.data.options import Loader
from fcmae.data.order import Key
from fcmae.data.workers import receive
from fcmae.errors import DataError
from fcmae.randomness import seeded

CHUNK = 64
MANY = 1024
"""From so many items on, other processes read them."""

Told = TypeVar("Told")


@dataclass(frozen=True, kw_only=True)
class ItemScan(Generic[Told]):
    """Facts about the items of a data set.

    Attributes:
        store: The items, with the reasons of those that cannot be used.
        told: What each tells; None for one that cannot be used.
    """

    store: ItemStore
    told: list[Told | None]


class _Reader(Generic[Told]):
    def __init__(self, store: ItemStore, read: Callable[[ItemStore, int], Told]) -> None:
        self.store, self.read = store, read

    def __getitems__(self, keys: list[Key]) -> list[tuple[Told | None, str]] | DataError:
        try:
            return [self._one(index) for _, index, _ in keys]
        except DataError as error:
            return error

    def _one(self, index: int) -> tuple[Told | None, str]:
        try:
            with seeded(0, "item", self.store.place(index)):
                return self.read(self.store, index), ""
        except UnusableImage as error:
            return None, error.reason


def scan(
    store: ItemStore, read: Callable[[ItemStore, int], Told], loader: Loader | None = None
) -> ItemScan[Told]:
    """Read every item once.

    Args:
        store: The items.
        read: Gives what an item tells; ``UnusableImage`` means that it cannot be used.
        loader: How many processes read where there are many items; by default none does.

    Raises:
        DataError: Whatever ``read`` raises besides.
    """
    loader = loader or Loader(workers=0)
    starts = range(0, len(store), CHUNK)
    keys = [[(0, i, 0) for i in range(s, min(s + CHUNK, len(store)))] for s in starts]
    workers = num_workers(loader, num_tasks=len(keys)) if len(store) >= MANY else 0
    told, faults = list[Told | None](), dict(store.faults)
    for answer in receive(_Reader(store, read), keys, loader=loader, workers=workers):
        if isinstance(answer, DataError):
            raise answer
        for found, reason in answer:
            if reason:
                faults[store.place(len(told))] = reason
            told.append(found)
    return ItemScan(store=replace(store, faults=faults), told=told)
