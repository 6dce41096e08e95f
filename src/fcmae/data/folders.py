"""Files and folders that may hold images, by their names."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from fcmae.data.file_names import SYSTEM_FILES, is_hidden_folder, is_something_else, why_hidden
from fcmae.data.naming import shown
from fcmae.data.walk import FolderContents, walk
from fcmae.errors import DataError

__all__ = ["FolderContents", "folders_in", "is_plain_file", "names_in", "sorted_in", "walk"]


def sorted_in(names: Iterable[bytes]) -> tuple[bytes, FolderContents]:
    """Sort the files of a ZIP as ``walk`` sorts those of a folder.

    Where one folder holds all images, as in the ZIP of a folder, it is taken as the root.

    Returns:
        That folder, which may be empty, and what was found in it.
    """
    found = FolderContents()
    others: list[bytes] = []
    for name in names:
        *folders, last = os.fsdecode(name).split("/")
        if any(map(is_hidden_folder, folders)):
            continue
        if reason := why_hidden(last):
            found.set_aside.append((shown(os.fsdecode(name)), reason))
        else:
            (others if is_something_else(last) else found.files).append(name)
    found.others = len(others)
    tops = {name.partition(b"/")[0] if b"/" in name else b"" for name in found.files}
    root = tops.pop() if len(tops) == 1 else b""
    if root:
        found.files = [name[len(root) + 1 :] for name in found.files]
        others = [name[len(root) + 1 :] for name in others if name.startswith(root + b"/")]
    inside = {name.partition(b"/")[0] for name in [*found.files, *others] if b"/" in name}
    found.folders = sorted(map(os.fsdecode, inside))
    return root, found


def names_in(folder: Path) -> list[str]:
    """The files directly in a folder that may be images, by their names; links are followed.

    Raises:
        DataError: The folder cannot be listed.
    """
    entries = _listed(folder)
    names = [x.name for x in entries if not x.name.startswith(".") and _is_file(x)]
    return sorted(
        name for name in names if name.lower() not in SYSTEM_FILES and not is_something_else(name)
    )


def folders_in(folder: Path) -> dict[str, Path]:
    """The folders directly in a folder by their names in small letters; links are followed.

    Raises:
        DataError: The folder cannot be listed.
    """
    return {x.name.lower(): folder / x.name for x in _listed(folder) if _is_folder(x)}


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    """Lists a folder by name."""
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"the folder {shown(folder)} cannot be listed: {error.strerror}. Allow that it is "
            "read, or name another one."
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """True if this is a folder or a link to one; a link that leads in circles is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """True if this is a file or a link to one; a link that leads in circles is none."""
    try:
        return entry.is_file()
    except OSError:
        return False


def is_plain_file(path: Path) -> bool:
    """True if this is a regular file (or a link to one)."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
