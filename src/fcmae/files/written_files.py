"""Files that commands have written, told from images and from what others put beside them."""

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal, get_args

FileKind = Literal["predictions", "evaluation", "reconstructions", "analysis", "export", "files"]
"""What a record is of. Each kind has records of its own, so that commands may share a folder."""

RECORDS = re.compile(r"\.written-(\d+|[a-z]+)\.jsonl")
"""What records are called."""

FileFacts = tuple[int, int]
"""Bytes of a file, and when it was last changed, in nanoseconds."""


def record_name(kind: FileKind, rank: int = 0) -> str:
    """The name of a process's record; of predictions alone, every process writes some."""
    return f".written-{rank if kind == 'predictions' else kind}.jsonl"


FIRST = tuple(map(record_name, get_args(FileKind)))
"""Records of which a folder has one, if a command has written into it."""


def facts_of(path: Path) -> FileFacts | None:
    """Name, size and time by which a file is known again; None where there is none."""
    try:
        status = path.lstat()
    except (OSError, ValueError):  # no file has such a name
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def line_of(name: str, path: Path) -> str:
    """Line of the record for a file that has this name, or will have it."""
    return json.dumps([name, *(facts_of(path) or ())]) + "\n"


def intact(folder: Path, kind: FileKind | None = None) -> list[str]:
    """The names of the files that commands wrote into a folder and nobody has changed since."""
    lines = (line for record in records_in(folder, kind) for line in _lines(record))
    names = [name for name, facts in lines if facts_of(folder / name) == facts]
    return list(dict.fromkeys(names))


def records_in(folder: Path, kind: FileKind | None = None) -> list[Path]:
    """The records in a folder, of one kind or of all."""
    found = []
    for name in os.listdir(folder) if folder.is_dir() else ():
        if match := RECORDS.fullmatch(name):
            of = "predictions" if match[1].isdecimal() else match[1]
            if kind in (None, of):
                found.append(folder / name)
    return found


def _lines(record: Path) -> Iterator[tuple[str, FileFacts]]:
    """Name and facts in each whole line; a kill may have cut the last one short."""
    try:
        text = record.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for line in text.splitlines():
        try:
            name, size, changed = json.loads(line)
        except (ValueError, TypeError, RecursionError):
            continue
        if _inside(name):
            yield name, (size, changed)


def _inside(name: object) -> bool:
    """True if this is a name of a file inside the folder."""
    if not isinstance(name, str) or not name:
        return False
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts
