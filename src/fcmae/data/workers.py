"""Processes that decode images: what they send, how they end, what it means when one dies."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader
from torch.utils.data.dataloader import _MultiProcessingDataLoaderIter

from fcmae.data.batch import Batch
from fcmae.data.options import Loader
from fcmae.data.order import Key
from fcmae.data.targets import Targets
from fcmae.errors import DataError
from fcmae.flags import option

PREFETCH = 2
POLL_S = 1.0
"""How often the processes are looked after while a batch is awaited."""
SHARED_MEMORY = Path("/dev/shm")

Arrays = dict[str, NDArray[Any]]
BatchShapes = list[dict[str, tuple[int, ...]]]


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """A batch that travels through a pipe, for machines with little shared memory."""

    images: NDArray[np.float32]
    labels: NDArray[np.int64] | None
    targets: tuple[Arrays, BatchShapes] | None
    indices: NDArray[np.int64]
    repeats: NDArray[np.int64]
    epoch: int
    unusable: list[tuple[str, str]]


def load(
    samples: Any,
    keys: Iterable[list[Key]] | None,
    *,
    loader: Loader,
    workers: int,
    batch_bytes: int,
    pin_memory: bool = False,
) -> Iterator[Batch]:
    """The batches for these keys, in this order, whatever the number of workers.

    Args:
        samples: ``Samples``; or an iterable data set of batches, which knows its keys itself.
        keys: Those of each batch.
        loader: How long to wait.
        workers: Number of processes; 0 reads here.
        batch_bytes: Memory of a batch.
        pin_memory: Whether tensors go to page-locked memory, for a GPU.
    """
    by_pipe = workers > 0 and not _fits_shared_memory(2 * PREFETCH * workers * batch_bytes)
    collate = _parcel if by_pipe else _same
    answers = receive(
        samples, keys, loader=loader, workers=workers, collate=collate, pin_memory=pin_memory
    )
    with closing(answers):
        for received in answers:
            if isinstance(received, DataError):
                raise received
            yield _unpack(received, pin_memory) if isinstance(received, Parcel) else received


def receive(
    source: Any,
    keys: Iterable[list[Key]] | None,
    *,
    loader: Loader,
    workers: int,
    collate: Callable[[Any], Any] | None = None,
    pin_memory: bool = False,
) -> Generator[Any, None, None]:
    """Answers of a source to lists of keys, in their order, read in processes of their own.

    Args:
        source: Answers to ``source.__getitems__(keys)``; without keys it is iterated over.
        keys: What to ask for.
        loader: How long to wait.
        workers: Number of processes; 0 reads here.
        collate: Changes an answer before it travels.
        pin_memory: Whether tensors go to page-locked memory, for a GPU.
    """
    data: DataLoader[Any] = DataLoader(
        source,
        batch_size=None if keys is None else 1,
        batch_sampler=keys,
        num_workers=workers,
        prefetch_factor=PREFETCH if workers else None,
        collate_fn=collate or _same,
        timeout=min(POLL_S, loader.timeout_s) if workers else 0,
        worker_init_fn=_only_the_parent_ends_us,
        pin_memory=pin_memory,
        generator=torch.Generator(),  # or PyTorch would draw from the run's own
    )
    batches = _start(data)
    try:
        yield from _patiently(batches, loader.timeout_s)
    finally:
        # Left to the garbage collector, the processes would live as long as any traceback.
        if isinstance(batches, _MultiProcessingDataLoaderIter):
            batches._shutdown_workers()


def _start(data: DataLoader[Any]) -> Iterator[Any]:
    """Start the processes, but without PyTorch's signal handler for their deaths.

    It would raise an exception between any two lines, in the middle of a checkpoint for one. Here
    a death is noticed where a batch is asked for.
    """
    before = signal.getsignal(signal.SIGCHLD)
    batches = iter(data)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGCHLD, signal.SIG_DFL if before is None else before)
    return batches


def _patiently(batches: Iterator[Any], timeout_s: float) -> Iterator[Any]:
    """Ask for each batch until the time is up, and say what the loader's errors mean."""
    asked_at = time.monotonic()
    while True:
        try:
            received = next(batches)
        except StopIteration:
            return
        except (RuntimeError, EOFError, OSError) as error:
            timed_out = "DataLoader timed out" in str(error)
            if timed_out and time.monotonic() < asked_at + timeout_s:
                continue
            explained = _hanging(timeout_s) if timed_out else _explain(error)
            if explained is None:
                raise
            raise explained from error
        yield received
        asked_at = time.monotonic()


def _hanging(timeout_s: float) -> DataError:
    return DataError(
        f"no batch came from the loader's processes for {timeout_s:g} seconds. A file system "
        "that hangs is the usual cause; if yours is slow, raise "
        f"{option('loader.timeout_s')}."
    )


def _explain(error: Exception) -> DataError | None:
    """An error that means that a process died, in the user's words; None for any other."""
    text = str(error)
    died = "DataLoader worker" in text and "exited unexpectedly" in text
    # Or it died while its batch was on the way. (What a worker raises itself begins with "Caught".)
    lost = isinstance(error, (EOFError, ConnectionError, FileNotFoundError))
    if not died and (not lost or text.startswith("Caught")):
        return None
    what = (text or "its batch was lost").splitlines()[0]
    return DataError(
        f"a process that decodes images died ({what}). "
        f"Usual causes: no memory left (fewer {option('loader.workers')} need less), a full "
        "/dev/shm (docker run --shm-size=4g), or a file that crashes a decoder (`fcmae check` "
        "finds it)."
    )


def _fits_shared_memory(num_bytes: int) -> bool:
    if not SHARED_MEMORY.is_dir():
        return True  # not Linux: shared memory is elsewhere
    free = os.statvfs(SHARED_MEMORY)
    return free.f_bavail * free.f_frsize > num_bytes


def _only_the_parent_ends_us(worker: int) -> None:
    """A signal to the whole group is the main process's to answer: it still needs its batches.

    So Ctrl-C and SLURM's warning are ignored, and SIGTERM unless it comes from the main process
    itself.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "SIGUSR1"):
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
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
        targets=None if batch.targets is None else _as_arrays(batch.targets),
        indices=batch.indices.numpy(),
        repeats=batch.repeats.numpy(),
        epoch=batch.epoch,
        unusable=batch.unusable,
    )


def _unpack(parcel: Parcel, pin_memory: bool) -> Batch:
    batch = Batch(
        images=torch.from_numpy(parcel.images),
        labels=None if parcel.labels is None else torch.from_numpy(parcel.labels),
        targets=None if parcel.targets is None else _as_tensors(*parcel.targets),
        indices=torch.from_numpy(parcel.indices),
        repeats=torch.from_numpy(parcel.repeats),
        epoch=parcel.epoch,
        unusable=parcel.unusable,
    )
    return batch.pin_memory() if pin_memory else batch


def _as_arrays(targets: Targets) -> tuple[Arrays, BatchShapes]:
    return {name: x.numpy() for name, x in targets.values.items()}, targets.shapes


def _as_tensors(arrays: Arrays, shapes: BatchShapes) -> Targets:
    return Targets(values={n: torch.from_numpy(x) for n, x in arrays.items()}, shapes=shapes)
