"""Walking a folder: every regular file that may be an image, each once, whatever links say."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fcmae.data.file_names import is_hidden_folder, is_something_else, why_hidden
from fcmae.data.naming import shown
from fcmae.files.written_files import FIRST, intact

LINK = "a link to"
"""How the reasons begin for which a link is set aside."""


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

    Links to files and folders are followed, but nothing is found twice: what a link points to
    inside the root is found in its own place, and no loop of links repeats an image.
    """
    found = _Walk(root)
    found.enter(b"")
    while found.links:
        links, found.links = sorted(found.links), []
        for link in links:
            found.follow(link)
    return found.finished()


class _Walk:
    """A walk so far.

    Attributes:
        links: Links that were found and not followed yet.
    """

    def __init__(self, root: Path) -> None:
        self.root = os.fsencode(root)
        self.real_root = os.path.realpath(self.root)
        self.links: list[bytes] = []
        self._found = FolderContents()
        self._visited: set[tuple[int, int]] = set()
        self._ours: set[bytes] = set()

    def enter(self, folder: bytes) -> None:
        """Records the files of a folder and of those inside."""
        pending = [folder]
        while pending:
            folder = pending.pop()
            where = os.path.join(self.root, folder)
            try:
                if not self._is_new(where):
                    continue  # the same folder mounted twice
                self._ours.update(os.path.join(folder, name) for name in _ours(where))
                with os.scandir(where) as entries:
                    pending += self._sort_in(folder, entries)
            except OSError as error:
                self._put_aside(folder, f"cannot be listed: {error.strerror}")

    def follow(self, link: bytes) -> None:
        """Records what a link points to, unless it is found in its own place."""
        where = os.path.join(self.root, link)
        target = os.path.realpath(where)
        if not os.path.exists(target):
            self._put_aside(link, f"{LINK} nothing")
        elif os.path.isdir(target):
            self._follow_to_folder(link, target)
        elif not os.path.isfile(target):
            self._put_aside(link, "not a regular file")
        elif is_something_else(os.fsdecode(os.path.basename(link))):
            self._found.others += 1
        elif (own := self._own_place(target)) is None:
            self._found.files.append(link)
        elif b"/" in link and link.split(b"/", 1)[0] != own.split(b"/", 1)[0]:
            self._put_aside(link, f"{LINK} {shown(os.fsdecode(own))}, which is found there")

    def finished(self) -> FolderContents:
        """The files and folders in their order."""
        found = self._found
        found.files.sort()
        # A folder of predictions alone is no class without images.
        tops, ours = ({name.split(b"/", 1)[0] for name in x} for x in (found.files, self._ours))
        found.folders = sorted(
            name for name in found.folders if os.fsencode(name) not in ours - tops
        )
        found.set_aside.sort()
        return found

    def _sort_in(self, folder: bytes, entries: Iterator[os.DirEntry[bytes]]) -> list[bytes]:
        """Record a folder's files and links; give back the folders to walk next."""
        inside = []
        for entry in entries:
            relative = folder + b"/" + entry.name if folder else entry.name
            name = os.fsdecode(entry.name)
            if entry.is_symlink():
                hidden = why_hidden(name)
                self._put_aside(relative, hidden) if hidden else self.links.append(relative)
            elif entry.is_dir(follow_symlinks=False):
                inside += self._folder(relative)
            elif reason := why_hidden(name):
                self._put_aside(relative, reason)
            elif not entry.is_file(follow_symlinks=False):
                self._put_aside(relative, "not a regular file")
            elif relative in self._ours or is_something_else(name):
                self._found.others += 1
            else:
                self._found.files.append(relative)
        return inside

    def _folder(self, relative: bytes) -> list[bytes]:
        """Record the name of a folder; give it back if it is to be walked."""
        name = os.fsdecode(os.path.basename(relative))
        if is_hidden_folder(name):
            return []
        if b"/" not in relative:
            self._found.folders.append(name)
        return [relative]

    def _follow_to_folder(self, link: bytes, target: bytes) -> None:
        if self.real_root == target:
            return
        if self.real_root.startswith(target.rstrip(b"/") + b"/"):
            self._put_aside(link, f"{LINK} a folder that this one lies in")
        elif _identity(target) in self._visited:
            if b"/" not in link:
                self._put_aside(link, f"{LINK} {_of(target)}, whose images are found there")
        else:
            for folder in self._folder(link):
                self.enter(folder)

    def _own_place(self, target: bytes) -> bytes | None:
        """Path relative to the root of a link's target, if the walk has found it there."""
        start = self.real_root.rstrip(b"/") + b"/"
        if not target.startswith(start):
            return None
        own = target[len(start) :]
        top = _identity(os.path.dirname(target))
        *folders, name = os.fsdecode(own).split("/")
        hidden = any(map(is_hidden_folder, folders)) or why_hidden(name) or is_something_else(name)
        return None if hidden or top not in self._visited else own

    def _is_new(self, folder: bytes) -> bool:
        identity = _identity(folder)
        known = identity in self._visited
        self._visited.add(identity)
        return not known

    def _put_aside(self, relative: bytes, reason: str) -> None:
        self._found.set_aside.append((shown(os.fsdecode(relative)), reason))


def _identity(folder: bytes) -> tuple[int, int]:
    status = os.stat(folder)
    return status.st_dev, status.st_ino


def _of(target: bytes) -> str:
    return shown(os.fsdecode(os.path.basename(target)))


def _ours(folder: bytes) -> list[bytes]:
    """The names of what commands wrote into a folder, relative to it."""
    records = (os.path.join(folder, os.fsencode(name)) for name in FIRST)
    if not any(map(os.path.lexists, records)):
        return []
    return [os.fsencode(name) for name in intact(Path(os.fsdecode(folder)))]
