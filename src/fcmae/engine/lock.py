"""The output directory: proven writable, and held by one run at a time. (No PyTorch here: the
command line asks before anything slow begins.)"""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from fcmae.engine.rank_env import leads
from fcmae.errors import StorageError
from fcmae.files.durable import check_space, storage_errors, sync_folder, write_synced
from fcmae.flags import option

LOCK = ".lock"
LEAST_FREE = 64 * 2**20

_held: set[Path] = set()


@contextmanager
def hold(out: Path) -> Iterator[None]:
    """Make sure that the directory can be written, and keep other runs out of it.

    A process may hold a directory several times; of the processes of one run only the leading
    one holds it.

    Raises:
        StorageError: It cannot be written, is nearly full, or belongs to a running run.
    """
    directory = out.absolute()
    if directory in _held or not leads():
        yield
        return
    probe(directory)
    with _locked(directory):
        _held.add(directory)
        try:
            yield
        finally:
            _held.discard(directory)


def probe(out: Path) -> None:
    """Create the directory if need be, write a file into it, and look at the free space."""
    trial = out / f".probe-{os.getpid()}"
    with storage_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        write_synced(trial, b"fcmae")
        trial.unlink()
        sync_folder(out)
    check_space(out, LEAST_FREE)


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    # POSIX locks rather than flock: they die with the process even while the loader's workers,
    # which inherit open files, still live; and they hold across machines on NFS.
    try:
        import fcntl
    except ImportError:  # Windows
        with _exclusive_file(out):
            yield
        return
    with storage_errors(out / LOCK):
        handle = os.open(out / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise _taken(out, os.pread(handle, 200, 0).decode(errors="replace")) from error
        except OSError:  # a file system without locks
            with _exclusive_file(out):
                yield
            return
        os.ftruncate(handle, 0)
        os.pwrite(handle, _owner().encode(), 0)
        try:
            yield
        finally:
            os.ftruncate(handle, 0)
    finally:
        os.close(handle)


@contextmanager
def _exclusive_file(out: Path) -> Iterator[None]:
    """Hold a directory by the existence of a file, where the system has no locks."""
    path = out / (LOCK + "-file")
    if path.exists() and _is_stale(path.read_text(encoding="utf-8")):
        path.unlink(missing_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError as error:
        owner = path.read_text(encoding="utf-8") if path.exists() else ""
        raise _taken(out, f"{owner} (if that is not so, remove {path})") from error
    with os.fdopen(handle, "w") as file:
        file.write(_owner())
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def _owner() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _is_stale(owner: str) -> bool:
    """True if the owner was a process of this machine that has ended."""
    with suppress(ValueError):
        word, pid, _, host = owner.split(maxsplit=3)
        if word == "process" and host == socket.gethostname():
            try:
                os.kill(int(pid), 0)
            except ProcessLookupError:
                return True
            except OSError:
                return False
    return False


def _taken(out: Path, owner: str) -> StorageError:
    return StorageError(
        f"{out} is in use by {owner.strip() or 'another process'}: wait for that run, stop it, or "
        f"give another {option('out')}."
    )
