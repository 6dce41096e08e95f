"""Files that ``fcmae predict`` has written, told from images and from what others put there."""

import json
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

RECORD, OLD_RECORD = ".written-0.jsonl", ".written.json"
"""The first process's record of a folder of predictions; what older versions left instead is a list
of names, written before any of the files, so that some may never have been."""

RECORDS = re.compile(r"\.written-\d+\.jsonl|\.written\.json")
"""What the records of all processes are called."""

Facts = tuple[int, int]
"""Bytes of a file, and when it was last changed, in nanoseconds."""


def facts_of(path: Path) -> Facts | None:
    """By what a file is known again; None where there is none."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else None


def intact(folder: Path) -> list[str]:
    """The names of the files that predictions wrote into a folder and nobody has changed since."""
    records = [record for record in records_in(folder) if record.name != OLD_RECORD]
    lines = (line for record in records for line in lines_of(record))
    names = [name for name, facts in lines if facts_of(folder / name) == facts]
    old = folder / OLD_RECORD
    if (since := facts_of(old)) is not None:
        found = ((name, facts_of(folder / name)) for name in _listed(old))
        names += [name for name, facts in found if facts is not None and facts[1] >= since[1]]
    return list(dict.fromkeys(names))


def records_in(folder: Path) -> list[Path]:
    """The records in a folder."""
    return [folder / name for name in os.listdir(folder) if RECORDS.fullmatch(name)]


def lines_of(record: Path) -> Iterator[tuple[str, Facts]]:
    """Name and facts in each whole line of a record; a kill may have cut the last one short."""
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
