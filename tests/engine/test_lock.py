import os
import signal
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from fcmae.engine import lock
from fcmae.engine.lock import LOCK, hold
from fcmae.errors import StorageError
from fcmae.files import durable
from forking import IGNORE_THREADS, Child, wait_until

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)


def holder(out: Path) -> Child:
    """A process that holds a directory until it is killed."""

    def stay() -> None:
        with hold(out):
            (out / "held").touch()
            time.sleep(60)

    child = Child(stay)
    while not (out / "held").exists():
        assert child.lives()
        time.sleep(0.001)
    return child


def take(out: Path) -> None:
    with hold(out):
        pass


def test_a_directory_is_made_and_left_as_it_was(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "er"
    take(out)
    take(out)
    assert [path.name for path in out.iterdir()] == [lock.LOCK]


def test_a_second_run_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    child = holder(tmp_path)
    with pytest.raises(StorageError) as caught:
        take(tmp_path)
    child.kill()
    assert str(caught.value) == (
        f"{tmp_path} is in use by process {child.pid} on {socket.gethostname()}: wait for that "
        "run, stop it, or give another out=."
    )
    take(tmp_path)


def test_one_process_may_hold_a_directory_twice(tmp_path: Path) -> None:
    with hold(tmp_path):
        take(tmp_path)
        assert Child(lambda: subprocess_take(tmp_path)).wait() == StorageError.exit_code
    assert Child(lambda: subprocess_take(tmp_path)).wait() == 0


def subprocess_take(out: Path) -> None:
    lock._held.clear()  # a fork remembers what its parent holds; another command does not
    take(out)


def test_a_lock_dies_with_its_owner_even_while_its_workers_live(tmp_path: Path) -> None:
    def stay_with_worker() -> None:
        with hold(tmp_path):
            worker = Child(lambda: time.sleep(60))
            (tmp_path / "worker").write_text(str(worker.pid))
            time.sleep(60)

    child = Child(stay_with_worker)
    while not (tmp_path / "worker").exists() or not (tmp_path / "worker").read_text():
        assert child.lives()
        time.sleep(0.001)
    child.kill()
    take(tmp_path)
    os.kill(int((tmp_path / "worker").read_text()), signal.SIGKILL)


def test_of_two_at_once_exactly_one_wins(tmp_path: Path) -> None:
    def compete(start: Path, done: Path) -> None:
        wait_until(start.exists)
        with hold(tmp_path):
            wait_until(done.exists)

    for trial in range(10):
        start, done = tmp_path / f"start-{trial}", tmp_path / f"done-{trial}"
        children = {c.pid: c for c in (Child(partial(compete, start, done)) for _ in range(2))}
        start.touch()
        loser, status = os.wait()
        assert os.waitstatus_to_exitcode(status) == StorageError.exit_code
        done.touch()
        winner = next(child for pid, child in children.items() if pid != loser)
        assert winner.wait() == 0


def test_without_locks_a_file_holds_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.lockf", unsupported)
    with hold(tmp_path):
        lock._held.clear()
        with pytest.raises(StorageError, match=f"process {os.getpid()} on"):
            take(tmp_path)
    child = holder(tmp_path)
    assert (tmp_path / ".lock-file").exists()
    child.kill()
    take(tmp_path)  # its owner is dead
    assert not (tmp_path / ".lock-file").exists()


def test_an_output_that_cannot_be_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot write"):
        take(tmp_path / "file")
    with pytest.raises(StorageError, match="cannot write"):
        take(tmp_path / "file" / "below")
    monkeypatch.setattr(lock, "LEAST_FREE", 2**62)
    with pytest.raises(StorageError, match=r"bytes free, but 4,611,\d"):
        take(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_directory_of_another_user_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    def as_nobody() -> None:
        os.setuid(65534)
        take(tmp_path)

    assert Child(as_nobody).wait() == StorageError.exit_code


def test_only_the_leading_process_takes_the_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = holder(tmp_path)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    monkeypatch.setenv("SLURM_STEP_NUM_TASKS", "2")
    for name in ("RANK", "LOCAL_RANK", "SLURM_PROCID"):
        monkeypatch.setenv(name, "1")
        take(tmp_path)
        monkeypatch.setenv(name, "0")
        if name == "LOCAL_RANK":
            monkeypatch.delenv("LOCAL_WORLD_SIZE")  # from here on it is SLURM's
    with pytest.raises(StorageError):
        take(tmp_path)
    child.kill()


def test_the_lock_needs_no_pytorch() -> None:
    code = "import sys, fcmae.engine.lock; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_small_files_are_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "options.json"
    durable.write_text(path, "one")
    durable.write_text(path, "two")
    assert path.read_text() == "two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_small_file_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "options.json").mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        durable.write_text(tmp_path / "options.json", "one")
    assert [path.name for path in tmp_path.iterdir()] == ["options.json"]


def test_a_lock_that_cannot_be_opened_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / LOCK).mkdir()
    with pytest.raises(StorageError, match="cannot write"):
        take(tmp_path)
