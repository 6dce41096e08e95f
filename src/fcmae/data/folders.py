"""Walking a folder: every regular file that may be an image, each once, whatever links say."""

import os
import stat
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from pathlib import Path

from fcmae.data.naming import shown
from fcmae.errors import DataError
from fcmae.files.written_files import FIRST, intact

TEXTS = "txt md rst csv tsv json geojson jsonl ndjson yaml yml toml ini cfg conf log xml html htm"
DOCUMENTS = "pdf doc docx xls xlsx ppt pptx odt license lock md5 sha1 sha256 crc tmp part bak"
PROGRAMS = "py pyc ipynb sh bat js css m r"
ARRAYS = "npy npz h5 hdf5 mat pkl pickle pt pth ckpt safetensors onnx parquet feather arrow"
STORES = "sqlite db lmdb mdb tfrecord pack zip tar gz tgz bz2 xz 7z rar"
FILMS = "mp4 avi mov mkv webm mp3 wav"
NOT_IMAGES = frozenset(" ".join([TEXTS, DOCUMENTS, PROGRAMS, ARRAYS, STORES, FILMS]).split())
PAPERS = "readme license licence notice copying authors changelog citation makefile dockerfile"
NOT_IMAGE_NAMES = frozenset(PAPERS.split())
SYSTEM_FILES = frozenset(["thumbs.db", "desktop.ini", "icon\r"])
HIDDEN = "a hidden or system file, not an image"
APPLE_DOUBLE = "macOS metadata (AppleDouble), not an image"
NOBODY_MISSES = frozenset([HIDDEN, APPLE_DOUBLE])
"""Reasons to set a file aside that are no fault of a data set."""

SYSTEM_FOLDERS = frozenset(
    ["__macosx", "__pycache__", "@eadir", "lost+found", "$recycle.bin", "system volume information"]
)


@dataclass(kw_only=True)
class FolderContents:
    """Files and folders found by a walk so far.

    Attributes:
        files: Paths relative to the root, with forward slashes, of what may be an image.
        folders: Names of the folders directly inside the root.
        set_aside: (path, reason) of what was left out and might be missed.
        others: How many files a name like ``index.csv`` says are no images.
    """

    files: list[bytes] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    set_aside: list[tuple[str, str]] = field(default_factory=list)
    others: int = 0


def walk(root: Path) -> FolderContents:
    """Find the files that may be images.

    A file is a candidate unless its name says that it is something else: an ending such as .csv or
    .md, or a name such as README. So a PNG called .jpg, or called nothing, is found, and a broken
    image is named rather than passed over. Hidden and system files are set aside by name.

    What commands such as ``fcmae predict`` have written into the folder, or into one inside, is
    passed over.

    Links are not followed: what they point to inside the root is found in its own place, and what
    lies outside is out of bounds. So no loop of links can repeat an image.
    """
    found = FolderContents()
    visited: set[tuple[int, int]] = set()
    ours: set[bytes] = set()
    pending = [b""]
    real_root = os.path.realpath(os.fsencode(root))
    while pending:
        folder = pending.pop()
        where = os.path.join(os.fsencode(root), folder)
        try:
            status = os.stat(where)
            if (status.st_dev, status.st_ino) in visited:
                continue  # the same folder mounted twice
            visited.add((status.st_dev, status.st_ino))
            ours.update(os.path.join(folder, name) for name in _ours(where))
            with os.scandir(where) as entries:
                pending += _sort_in(found, folder, entries, real_root, ours)
        except OSError as error:
            found.set_aside.append(
                (shown(os.fsdecode(folder)), f"cannot be listed: {error.strerror}")
            )
    found.files.sort()
    # A folder of predictions alone is no class without images.
    only = {name.split(b"/", 1)[0] for name in ours} - {
        name.split(b"/", 1)[0] for name in found.files
    }
    found.folders = sorted(name for name in found.folders if os.fsencode(name) not in only)
    found.set_aside.sort()
    return found


def _ours(folder: bytes) -> list[bytes]:
    """The names of what commands wrote into a folder, relative to it."""
    records = (os.path.join(folder, os.fsencode(name)) for name in FIRST)
    if not any(map(os.path.lexists, records)):
        return []
    return [os.fsencode(name) for name in intact(Path(os.fsdecode(folder)))]


def _sort_in(
    found: FolderContents,
    folder: bytes,
    entries: Iterator[os.DirEntry[bytes]],
    root: bytes,
    ours: Set[bytes],
) -> list[bytes]:
    """Record a folder's files; give back the folders to walk next."""
    inside = []
    for entry in entries:
        relative = folder + b"/" + entry.name if folder else entry.name
        name = os.fsdecode(entry.name)
        reason = None
        if entry.is_symlink():
            reason = _why_not_link(entry.path, root)
        elif entry.is_dir(follow_symlinks=False):
            if not _is_hidden_folder(name):
                inside.append(relative)
                if not folder:
                    found.folders.append(name)
        elif reason := _why_hidden(name):
            pass
        elif not entry.is_file(follow_symlinks=False):
            reason = "not a regular file"
        elif relative in ours or _is_something_else(name):
            found.others += 1
        else:
            found.files.append(relative)
        if reason:
            found.set_aside.append((shown(os.fsdecode(relative)), reason))
    return inside


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
        if any(map(_is_hidden_folder, folders)):
            continue
        if reason := _why_hidden(last):
            found.set_aside.append((shown(os.fsdecode(name)), reason))
        else:
            (others if _is_something_else(last) else found.files).append(name)
    found.others = len(others)
    tops = {name.partition(b"/")[0] if b"/" in name else b"" for name in found.files}
    root = tops.pop() if len(tops) == 1 else b""
    if root:
        found.files = [name[len(root) + 1 :] for name in found.files]
        others = [name[len(root) + 1 :] for name in others if name.startswith(root + b"/")]
    inside = {name.partition(b"/")[0] for name in [*found.files, *others] if b"/" in name}
    found.folders = sorted(map(os.fsdecode, inside))
    return root, found


def _is_hidden_folder(name: str) -> bool:
    return name.startswith(".") or name.lower() in SYSTEM_FOLDERS


def _why_hidden(name: str) -> str | None:
    """The reason why a file is no image of the user's, or None."""
    if name.startswith("._"):
        return APPLE_DOUBLE
    return HIDDEN if name.startswith(".") or name.lower() in SYSTEM_FILES else None


def _why_not_link(path: bytes, root: bytes) -> str | None:
    """None for a link whose target the walk finds in its own place."""
    target = os.path.realpath(path)
    if not os.path.exists(target):
        return "a link to nothing"
    if target == root or target.startswith(root.rstrip(b"/") + b"/"):
        return None
    return "a link that leads out of the folder (a list, .txt or .csv, may name its target)"


def names_in(folder: Path) -> list[str]:
    """The files directly in a folder that may be images, by their names; links are followed.

    Raises:
        DataError: The folder cannot be listed.
    """
    entries = _listed(folder)
    names = [x.name for x in entries if not x.name.startswith(".") and _is_file(x)]
    return sorted(
        name for name in names if name.lower() not in SYSTEM_FILES and not _is_something_else(name)
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


def _is_something_else(name: str) -> bool:
    stem, _, ending = name.lower().rpartition(".")
    return (ending in NOT_IMAGES) if stem else (ending in NOT_IMAGE_NAMES)


def is_plain_file(path: Path) -> bool:
    """True if this is a regular file (or a link to one)."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False
