"""Predictions on their way into a folder, where each is taken down, and out of it again."""

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fcmae.checkpoint.durable import storage_errors, write_text
from fcmae.checkpoint.staging import STAGING
from fcmae.data.predicted import RECORD, facts_of, intact, records_in


class Journal:
    """The files that a process writes into a folder, a line for each.

    A file is written under another name; then its line is added, and only then it gets its own.
    So wherever a kill falls, each file of ours has its line, and a line without its file fits no
    file that somebody may put there.

    Args:
        folder: Where the files go.
        rank: Which process this is; each has a journal of its own.

    Attributes:
        names: The files that were written so far.
    """

    def __init__(self, folder: Path, rank: int = 0) -> None:
        self.folder, self.rank = folder, rank
        self.names: list[str] = []
        self._path = folder / f".written-{rank}.jsonl"
        with storage_errors(self._path), self._path.open("a", encoding="ascii") as lines:
            lines.write("\n")  # a kill may have cut the last line short

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
                    lines.write(_line(name, staged))
                staged.replace(path)
            finally:
                staged.unlink(missing_ok=True)
        self.names.append(name)


def _line(name: str, path: Path) -> str:
    return json.dumps([name, *(facts_of(path) or ())]) + "\n"


def forget_others(folder: Path, written: Iterable[str]) -> None:
    """Remove the predictions in a folder that are not among these, and all that tells of them.

    Those are their lines, what was left half-written, and folders left empty.

    Raises:
        OSError: Something cannot be removed.
    """
    kept = set(written)
    former = [name for name in intact(folder) if name not in kept]
    for name in former:
        (folder / name).unlink(missing_ok=True)
    write_text(folder / RECORD, "".join(_line(name, folder / name) for name in sorted(kept)))
    inside = {parent for name in former for parent in PurePosixPath(name).parents}
    for place in inside | {PurePosixPath()}:
        for left in (folder / place).glob(f"{STAGING}*"):
            if left.is_file():
                left.unlink(missing_ok=True)
    for record in records_in(folder):
        if record.name != RECORD:
            record.unlink(missing_ok=True)
    for parent in sorted(inside, key=lambda parent: -len(parent.parts)):
        if parent.parts:
            _remove_if_empty(folder / parent)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
