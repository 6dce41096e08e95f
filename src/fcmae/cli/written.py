"""What calls of ``fcmae predict`` have written into a folder, told from what others put there."""

import json
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fcmae.checkpoint.durable import storage_errors
from fcmae.checkpoint.staging import STAGING

RECORDS = re.compile(r"\.written-\d+\.jsonl|\.written\.json")
"""What records are called."""

OLD_RECORD = ".written.json"
"""A list of names that was written before any of the files, so that some may never have been."""

Facts = tuple[int, int]
"""Bytes of a file, and when it was last changed, in nanoseconds."""


class Journal:
    """The files that a process writes into a folder, a line for each.

    A file is written under another name; then its line is added, and only then it gets its own.
    So wherever a kill falls, each file of ours has its line, and a line without its file fits no
    file that somebody may put there.

    Args:
        folder: Where the files go.
        rank: Which process this is; each has a journal of its own.
    """

    def __init__(self, folder: Path, rank: int = 0) -> None:
        self.folder, self.rank = folder, rank
        self._path = folder / f".written-{rank}.jsonl"
        with storage_errors(self._path):
            self._path.touch()

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A path for the content of a file, which has its name when all is written."""
        path = self.folder / name
        staged = self.folder / f"{STAGING}{self.rank}{PurePosixPath(name).suffix}"
        with storage_errors(path):
            try:
                yield staged
                path.parent.mkdir(parents=True, exist_ok=True)
                with self._path.open("a", encoding="ascii") as lines:
                    lines.write(json.dumps([name, *(facts_of(staged) or ())]) + "\n")
                staged.replace(path)
            finally:
                staged.unlink(missing_ok=True)


def facts_of(path: Path) -> Facts | None:
    """By what a file is known again; None where there is none."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def intact(folder: Path) -> list[str]:
    """The names of the files that former calls wrote here and nobody has changed since."""
    names = [name for name, facts in _lines(folder) if facts_of(folder / name) == facts]
    old = folder / OLD_RECORD
    since = facts_of(old)
    for name in _listed(old) if since is not None else ():
        facts = facts_of(folder / name)
        if facts is not None and facts[1] >= since[1]:  # type: ignore[index]  # there is a list
            names.append(name)
    return list(dict.fromkeys(names))


def remove_former(folder: Path, names: list[str]) -> None:
    """Remove these files, the records, what was left half-written, and folders left empty.

    Raises:
        OSError: Something cannot be removed.
    """
    inside = {parent for name in names for parent in PurePosixPath(name).parents}
    for name in names:
        (folder / name).unlink(missing_ok=True)
    records = records_in(folder)
    for place in inside | {PurePosixPath()} if records else ():
        for left in (folder / place).glob(f"{STAGING}*"):
            if left.is_file():
                left.unlink(missing_ok=True)
    for record in records:
        record.unlink(missing_ok=True)
    for parent in sorted(inside, key=lambda parent: -len(parent.parts)):
        if parent.parts:
            _remove_if_empty(folder / parent)


def records_in(folder: Path) -> list[Path]:
    """The records of former calls."""
    return [folder / name for name in os.listdir(folder) if RECORDS.fullmatch(name)]


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def _lines(folder: Path) -> Iterator[tuple[str, Facts]]:
    """Name and facts in each whole line; a kill may have cut the last one short."""
    for record in records_in(folder):
        if record.name == OLD_RECORD:
            continue
        for text in _text(record).splitlines():
            try:
                name, size, changed = json.loads(text)
            except (ValueError, TypeError):
                continue
            if _inside(name):
                yield name, (size, changed)


def _listed(old: Path) -> list[str]:
    """The names in a list; none where it is not ours."""
    try:
        names = json.loads(_text(old))
    except ValueError:
        return []
    return [name for name in names if _inside(name)] if isinstance(names, list) else []


def _text(record: Path) -> str:
    try:
        return record.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _inside(name: object) -> bool:
    """Whether this is a name of a file inside the folder."""
    if not isinstance(name, str) or not name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
