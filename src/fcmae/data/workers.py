"""Processes that decode images: what they send, how they end, what it means when one dies."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from fcmae.data.batch import Batch
from fcmae.data.options import Loader
from fcmae.data.order import Key
from fcmae.data.samples import Samples
from fcmae.errors import DataError

PREFETCH = 2
SHARED_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A batch that travels through a pipe, for machines with little shared memory."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    indices: NDArray[np.int64]
    repeats: NDArray[np.int64]
    epoch: int
    unusable: list[tuple[str, str]]


def load(
    samples: Samples,
    keys: Iterable[list[Key]],
    *,
    loader: Loader,
    workers: int,
    batch_bytes: int,
    pin_memory: bool = False,
) -> Iterator[Batch]:
    """The batches for these keys, in this order, whatever the number of workers."""
    by_pipe = workers > 0 and not _fits_shared_memory(2 * PREFETCH * workers * batch_bytes)
    data: DataLoader[Any] = DataLoader(
        samples,  # type: ignore[arg-type]  # takes our keys
        batch_sampler=keys,
        num_workers=workers,
        prefetch_factor=PREFETCH if workers else None,
        collate_fn=_parcel if by_pipe else _same,
        timeout=loader.timeout_s if workers else 0,
        worker_init_fn=_only_the_parent_ends_us,
        pin_memory=pin_memory,
        generator=torch.Generator(),  # or PyTorch would draw from the run's own
    )
    for received in _explained(iter(data), loader.timeout_s):
        if isinstance(received, DataError):
            raise received
        if isinstance(received, Parcel):
            batch = _unpack(received)
            yield batch.pin_memory() if pin_memory else batch
        else:
            yield received


def _explained(batches: Iterator[Batch], timeout_s: float) -> Iterator[Batch]:
    """Say in the user's words what the loader's errors mean."""
    try:
        yield from batches
    except RuntimeError as error:
        explained = explain(error, timeout_s)
        if explained is None:
            raise
        raise explained from error


def explain(error: RuntimeError, timeout_s: float) -> DataError | None:
    """What PyTorch's message about its worker processes means, or None if it is about other things.

    PyTorch also raises these messages in the middle of a training step, from a signal handler.
    """
    text = str(error)
    if "DataLoader timed out" in text:
        return DataError(
            f"no batch came from the loader's processes for {timeout_s:g} seconds. A file system "
            "that hangs is the usual cause; if yours is slow, raise --loader.timeout_s."
        )
    if "DataLoader worker" in text and ("exited unexpectedly" in text or "is killed by" in text):
        return DataError(
            f"a process that decodes images died ({text.splitlines()[0]}). Usual causes: no memory "
            "left (fewer --loader.workers need less), a full /dev/shm (docker run --shm-size=4g), "
            "or a file that crashes a decoder (`fcmae check` finds it)."
        )
    return None


def _fits_shared_memory(num_bytes: int) -> bool:
    if not SHARED_MEMORY.is_dir():
        return True  # not Linux: shared memory is elsewhere
    free = os.statvfs(SHARED_MEMORY)
    return free.f_bavail * free.f_frsize > num_bytes


def _only_the_parent_ends_us(worker: int) -> None:
    """A signal to the whole group is the main process's to answer: it still needs its batches.

    So Ctrl-C is ignored, and SIGTERM unless it comes from the main process itself.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "sigwaitinfo"):  # Linux
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        threading.Thread(target=_await_the_end, daemon=True).start()


def _await_the_end() -> None:
    parent = multiprocessing.parent_process()
    while parent is not None and signal.sigwaitinfo({signal.SIGTERM}).si_pid != parent.pid:
        pass
    os._exit(0)


def _same(batch: Any) -> Any:
    return batch


def _parcel(batch: Any) -> Any:
    if isinstance(batch, DataError):
        return batch
    return Parcel(
        images=batch.images.numpy(),
        labels=None if batch.labels is None else batch.labels.numpy(),
        indices=batch.indices.numpy(),
        repeats=batch.repeats.numpy(),
        epoch=batch.epoch,
        unusable=batch.unusable,
    )


def _unpack(parcel: Parcel) -> Batch:
    return Batch(
        images=torch.from_numpy(parcel.images),
        labels=None if parcel.labels is None else torch.from_numpy(parcel.labels),
        indices=torch.from_numpy(parcel.indices),
        repeats=torch.from_numpy(parcel.repeats),
        epoch=parcel.epoch,
        unusable=parcel.unusable,
    )
