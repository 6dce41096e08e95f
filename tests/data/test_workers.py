"""Worker processes: dying, hanging, being signalled, and little shared memory."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch.utils.data
from torch.testing import assert_close

from fcmae.data import workers
from fcmae.data.augment import Pretraining
from fcmae.data.batch import Batch
from fcmae.data.cores import num_workers
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.data.order import Key
from fcmae.data.samples import Samples
from fcmae.data.workers import load
from fcmae.errors import DataError
from forking import IGNORE_THREADS

pytestmark = [pytest.mark.filterwarnings(IGNORE_THREADS)]
Make = Callable[..., Path]
KEYS: list[list[Key]] = [[(0, index, 0)] for index in range(20)]


class Faulty(Samples):
    """Does something at the thirteenth image."""

    def __init__(self, folder: Path, fault: Callable[[], object]) -> None:
        super().__init__(
            find_images(folder),
            Pretraining((16, 16)),
            seed=0,
            loader=Loader(),
            channels=3,
            replacing=True,
        )
        self.fault = fault

    def __getitems__(self, keys: list[Key]) -> Batch | DataError:
        if keys[0][1] == 13:
            self.fault()
        return super().__getitems__(keys)


def run(samples: Samples, *, num: int = 2, timeout_s: float = 120.0) -> list[Batch]:
    loader = Loader(timeout_s=timeout_s)
    return list(load(samples, KEYS, loader=loader, workers=num, batch_bytes=1))


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_that_dies_is_explained(pictures: Make) -> None:
    with pytest.raises(DataError, match=r"process that decodes images died .*no memory.*/dev/shm"):
        run(Faulty(pictures(20), die))


def test_a_worker_that_hangs_is_ended_in_time(
    pictures: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.utils.data._utils, "MP_STATUS_CHECK_INTERVAL", 0.3)
    with pytest.raises(DataError, match=r"no batch came .* for 1 seconds"):
        run(Faulty(pictures(20), lambda: time.sleep(1000)), num=1, timeout_s=1.0)
    for process in multiprocessing.active_children():
        process.join()
    assert not multiprocessing.active_children()


def test_a_mistake_in_a_view_is_not_called_a_dead_worker(pictures: Make) -> None:
    def mistake() -> None:
        raise KeyError("ours")

    with pytest.raises(KeyError, match="ours"):
        run(Faulty(pictures(20), mistake))


@pytest.mark.skipif(not hasattr(signal, "sigwaitinfo"), reason="needs Linux")
def test_signals_to_the_whole_group_leave_the_workers_at_work(pictures: Make) -> None:
    samples = Faulty(pictures(20), lambda: None)
    batches = load(samples, KEYS, loader=Loader(), workers=2, batch_bytes=1)
    received = [next(batches), next(batches)]  # each has begun, and so heard of signals
    pids = [str(process.pid) for process in multiprocessing.active_children()]
    assert len(pids) == 2
    for name in ("-TERM", "-INT"):
        subprocess.run(["kill", name, *pids], check=True)
    time.sleep(0.2)
    received += batches
    assert len(received) == 20


def test_an_abandoned_loader_leaves_no_process_behind(pictures: Make) -> None:
    batches = load(
        Faulty(pictures(20), lambda: None), KEYS, loader=Loader(), workers=2, batch_bytes=1
    )
    next(batches)
    del batches
    assert not multiprocessing.active_children()


def test_batches_travel_by_pipe_where_shared_memory_is_small(
    pictures: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = Faulty(pictures(20), lambda: None)
    expected = run(samples)
    asked: list[int] = []
    monkeypatch.setattr(workers, "_fits_shared_memory", asked.append)
    actual = run(samples)
    assert asked == [2 * 2 * 2 * 1]
    for one, other in zip(actual, expected, strict=True):
        assert_close(one.images, other.images, rtol=0, atol=0)
        assert torch.equal(one.indices, other.indices)


def test_a_death_interrupts_nothing_but_the_wait_for_a_batch(pictures: Make) -> None:
    handler = signal.getsignal(signal.SIGCHLD)
    batches = load(
        Faulty(pictures(20), lambda: None), KEYS, loader=Loader(), workers=1, batch_bytes=1
    )
    next(batches)
    assert signal.getsignal(signal.SIGCHLD) is handler
    for process in multiprocessing.active_children():
        process.kill()
    time.sleep(0.2)  # a checkpoint is being written
    with pytest.raises(DataError, match="died"):
        list(batches)


def test_the_number_of_workers_is_shared_by_the_processes_of_a_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(12)), raising=False)
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    assert num_workers(Loader()) == 8
    assert num_workers(Loader(), world=4) == 3
    assert num_workers(Loader(), world=64) == 1
    assert num_workers(Loader(), num_tasks=2) == 2
    assert num_workers(Loader(workers=0), world=4) == 0
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert num_workers(Loader(), world=64) == 6


SCRIPT = """
import multiprocessing, sys
from pathlib import Path
from fcmae.data.augment import Supervised
from fcmae.data.feed import Feed
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
if __name__ == "__main__":
    multiprocessing.set_start_method("forkserver")
    view, images = Supervised((16, 16)), find_images(Path(sys.argv[1]))
    sums = []
    for workers in (0, 2):
        feed = Feed(images, view, seed=1, loader=Loader(workers=workers), channels=3)
        batches = feed.batches(first_step=0, last_step=4, batch_size=4, micro_batch=4)
        sums.append([batch.images.sum().item() for batch in batches])
    assert sums[0] == sums[1], sums
"""


@pytest.mark.slow
def test_workers_can_be_started_afresh_instead_of_forked(pictures: Make, tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    subprocess.run([sys.executable, str(script), str(pictures(8))], check=True)
