"""Work that one process does for all."""

from collections.abc import Callable
from typing import TypeVar

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
