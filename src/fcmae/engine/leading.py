"""Work that one process does for all, or each does while all wait."""

from collections.abc import Callable
from typing import TypeVar

import torch
from lightning_fabric import Fabric

from fcmae.errors import FcmaeError

Result = TypeVar("Result")


def on_leader(fabric: Fabric, action: Callable[[], Result]) -> Result:
    """Run an action on the leading process; its result, or its error, reaches every process.

    Without this the others would wait for ever for a leader that has failed.
    """
    result: Result | None = None
    failure: FcmaeError | None = None
    if fabric.is_global_zero:
        try:
            result = action()
        except FcmaeError as error:
            failure = error
    if fabric.world_size > 1:
        result, failure = fabric.broadcast((result, failure))
    if failure is not None:
        raise failure
    return result  # type: ignore[return-value]


def on_each(fabric: Fabric, action: Callable[[], Result]) -> list[Result]:
    """Run an action on every process; all results, or the first error, reach every process."""
    mine: tuple[Result | None, FcmaeError | None]
    try:
        mine = action(), None
    except FcmaeError as error:
        mine = None, error
    everyones = [mine] * fabric.world_size
    if fabric.world_size > 1:
        torch.distributed.all_gather_object(everyones, mine)
    for _, failure in everyones:
        if failure is not None:
            raise failure
    return [result for result, _ in everyones]  # type: ignore[misc]
