"""Files on their way into a user's folder, where each is taken down, and out of it again."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from fcmae.errors import StorageError
from fcmae.files.durable import STAGING, storage_errors, write_text
from fcmae.files.written_files import FileKind, intact, line_of, record_name, records_in
from fcmae.flags import option


class Journal:
    """The files that a process writes into a folder, a line for each.

    A file is written under another name; then its line is added, and only then it gets its own.
    So wherever a kill falls, each file of ours has its line, and a line without its file fits no
    file that somebody may put there.

    Args:
        folder: Where the files go; it exists.
        kind: What they are. Those of earlier calls may be written over, and no others.
        rank: Which process this is; each has a journal of its own.

    Attributes:
        names: The files that were written so far.
    """

    def __init__(self, folder: Path, kind: FileKind, rank: int = 0) -> None:
        self.folder, self.kind = folder, kind
        self.names: list[str] = []
        self._record = folder / record_name(kind, rank)
        with storage_errors(folder):
            self._known = frozenset(intact(folder, kind))

    def refuse_others(self, names: Iterable[str]) -> None:
        """Refuse to write over what no earlier call has written: images, labels, notes.

        Raises:
            StorageError: There is such a file.
        """
        for name in names:
            if name not in self._known and os.path.lexists(self.folder / name):
                raise StorageError(
                    f"{self.folder / name} is there already and was not written by an earlier "
                    f"call, or was changed since: give another {option('out')}, or move it away."
                )

    @contextmanager
    def writing(self, name: str) -> Iterator[Path]:
        """A path for the content of a file, which has its name when all is written.

        Raises:
            StorageError: It cannot be written, or there is a file of others.
        """
        if name not in self.names:
            self.refuse_others([name])
        path = self.folder / name
        staged = path.with_name(f"{STAGING}{self.kind}-{os.getpid()}{path.suffix}")
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                yield staged
                with self._record.open("a", encoding="ascii") as lines:
                    # A kill may have cut the last line short.
                    lines.write(f"\n{line_of(name, staged)}")
                staged.replace(path)
            finally:
                staged.unlink(missing_ok=True)
        self.names.append(name)

    def remove(self, name: str) -> None:
        """Remove a file, if an earlier call has written it."""
        if name in self._known:
            with storage_errors(self.folder / name):
                (self.folder / name).unlink(missing_ok=True)


def forget_others(folder: Path, kind: FileKind, written: Iterable[str]) -> None:
    """Remove the files of a kind that are not among these, and all that tells of them.

    Those are their lines, what was left half-written, and folders left empty.
    """
    with storage_errors(folder):
        kept, ours = set(written), intact(folder, kind)
        for name in ours:
            if name not in kept:
                (folder / name).unlink(missing_ok=True)
        record = folder / record_name(kind)
        write_text(record, "".join(line_of(name, folder / name) for name in sorted(kept)))
        for other in records_in(folder, kind):
            if other != record:
                other.unlink(missing_ok=True)
        for place in {(folder / name).parent for name in ours}:
            for left in place.glob(f"{STAGING}{kind}-*"):
                left.unlink(missing_ok=True)
        inside = {parent for name in ours for parent in PurePosixPath(name).parents}
        for parent in sorted(inside - {PurePosixPath()}, key=lambda parent: -len(parent.parts)):
            _remove_if_empty(folder / parent)


def _remove_if_empty(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return
