"""Work that one process does for all, or each does while all wait.

Whatever goes wrong reaches every process: without that the others would wait for one that has
failed, until the exchange times out.
"""

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from lightning_fabric import Fabric

from fcmae.errors import DistributedError, FcmaeError

Result = TypeVar("Result")
Told = tuple[Result | None, FcmaeError | None]
"""The result of an action, or what the others are told of its error."""


def on_leader(fabric: Fabric, action: Callable[[], Result]) -> Result:
    """Run an action on the leading process; its result, or its error, reaches every process.

    Raises:
        FcmaeError: The leader's; elsewhere a DistributedError stands for an error of another kind.
    """
    told: Told[Result] = None, None
    mine: Exception | None = None
    if fabric.is_global_zero:
        told, mine = _try(fabric, action)
    if fabric.world_size > 1:
        told = fabric.broadcast(told)
    _raise_first(mine, [told])
    return told[0]  # type: ignore[return-value]


def on_each(fabric: Fabric, action: Callable[[], Result]) -> list[Result]:
    """Run an action on every process; all results, or the first error, reach every process.

    Raises:
        FcmaeError: The first; a DistributedError stands for another process's of another kind.
    """
    told, mine = _try(fabric, action)
    everyones = [told] * fabric.world_size
    if fabric.world_size > 1:
        torch.distributed.all_gather_object(everyones, told)
    _raise_first(mine, everyones)
    return [result for result, _ in everyones]  # type: ignore[misc]


def _try(fabric: Fabric, action: Callable[[], Result]) -> tuple[Told[Result], Exception | None]:
    """Runs an action; gives what all ranks are told of it, and this rank's error as it is."""
    try:
        return (action(), None), None
    except FcmaeError as error:
        return (None, error), error
    except Exception as error:
        which = f"process {fabric.global_rank} of {fabric.world_size}"
        said = " ".join(f"{type(error).__name__}: {error}".split())
        return (None, DistributedError(f"{which} failed with {said}")), error


def _raise_first(mine: Exception | None, everyones: Iterable[Told[Result]]) -> None:
    """Raise what is shared; but a process's own unexpected error, which nobody else can show."""
    if mine is not None and not isinstance(mine, FcmaeError):
        raise mine
    for _, failure in everyones:
        if failure is not None:
            raise failure
