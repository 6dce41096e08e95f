"""Writing that survives a crash: nothing half-written ever stands under its final name."""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fcmae.errors import StorageError
from fcmae.flags import option

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
CHUNK = 2**20

STAGING = ".staging-"
"""What the name of anything begins with that is not whole yet."""


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    sha = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            sha.update(chunk)
    return sha.hexdigest()


def sync_file(path: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(path: Path) -> None:
    """Wait until a folder's names are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk; the caller takes care of its name."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def replace(staged: Path, path: Path) -> None:
    """Give a finished file its final name, over an older one, durably."""
    staged.replace(path)
    sync_folder(path.parent)


def write_text(path: Path, text: str) -> None:
    """Write a small text file so that a crash leaves the old one or the new one."""
    staged = path.with_name(f"{STAGING}{path.name}")
    with storage_errors(path):
        try:
            write_synced(staged, text.encode())
            replace(staged, path)
        except OSError:
            staged.unlink(missing_ok=True)
            raise


def check_space(folder: Path, need: int) -> None:
    """Refuse to begin writing ``need`` bytes that the disk has no room for."""
    with storage_errors(folder):
        have = shutil.disk_usage(folder).free
    if have < need:
        raise StorageError(
            f"{folder} has {have:,} bytes free, but {need:,} are needed: free some space, or give "
            f"another {option('out')}."
        )


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's complaints about a path into the user's words."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        way_out = "free some space" if error.errno in FULL else "check its permissions"
        raise StorageError(
            f"cannot write {path}: {reason}. Please {way_out}, or give another {option('out')}."
        ) from error
