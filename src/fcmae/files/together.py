"""Writes into a user's folder from several ranks: all begin and end together."""

from collections.abc import Callable, Sequence
from pathlib import Path

from fcmae.errors import StorageError
from fcmae.files.journal import Journal, forget_others
from fcmae.files.written_files import FileKind
from fcmae.process_group import Peers


def begin(
    folder: Path, names: Sequence[str], peers: Peers, kind: FileKind = "predictions"
) -> Journal:
    """The journal of a call, which may write over what earlier calls wrote.

    Args:
        folder: Where the files go; it exists.
        names: The files that this call may write, relative to the folder.
        peers: The leading process looks while the others wait.
        kind: What the files are.

    Raises:
        StorageError: A file of others is where one would be written; on all processes.
    """
    journal = Journal(folder, kind, peers.rank)
    _leader_does(lambda: journal.refuse_others(names), peers)
    return journal


def end(journal: Journal, peers: Peers) -> None:
    """Remove what earlier calls wrote and this one did not, once all of it is written.

    Where a call wrote nothing, or was stopped before, what there was stays. So do files that no
    call wrote, and those that were changed since.

    Raises:
        StorageError: Something cannot be removed; on all processes.
    """
    written = peers.together(journal.names)  # all have written when the leading process has these
    if written:
        _leader_does(lambda: forget_others(journal.folder, journal.kind, written), peers)


def _leader_does(action: Callable[[], None], peers: Peers) -> None:
    """Let the leading process do something that the others wait for; its error reaches all."""
    failure: StorageError | None = None
    if peers.leads:
        try:
            action()
        except StorageError as error:
            failure = error
    told = peers.together([] if failure is None else [str(failure)])
    if told:
        raise failure or StorageError(told[0])
