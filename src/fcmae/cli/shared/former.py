"""A folder of predictions holds those of one call: those of earlier ones go when it is done."""

import os
from collections.abc import Sequence
from pathlib import Path

from fcmae.checkpoint.durable import storage_errors
from fcmae.cli.shared.written import Journal, forget_others
from fcmae.data.predicted import intact
from fcmae.errors import StorageError
from fcmae.peers import Peers


def begin(folder: Path, names: Sequence[str], peers: Peers) -> Journal:
    """Open the journal of a call, which may write over what earlier calls wrote.

    Args:
        folder: Where the predictions go; it exists.
        names: The files that this call may write, relative to the folder.
        peers: The leading process looks while the others wait.

    Returns:
        By which this process writes its files.

    Raises:
        StorageError: A file of others is where one would be written, or nothing can be.
    """
    if peers.leads:
        with storage_errors(folder):
            _refuse_others(folder, names)
    peers.wait()
    return Journal(folder, peers.rank)


def end(journal: Journal, peers: Peers) -> None:
    """Remove what earlier calls wrote and this one did not, once all of it is written.

    Where a call wrote nothing, or was stopped before, what there was stays. So do files that no
    call wrote, and those that were changed since.

    Raises:
        StorageError: Something cannot be removed.
    """
    written = peers.together(journal.names)  # all have written when the leading process has these
    if peers.leads and written:
        with storage_errors(journal.folder):
            forget_others(journal.folder, written)
    peers.wait()


def _refuse_others(folder: Path, names: Sequence[str]) -> None:
    """Refuse to write over what no earlier call has written: images, labels, results of others."""
    known = set(intact(folder))
    for name in names:
        if name not in known and os.path.lexists(folder / name):
            raise StorageError(
                f"{folder / name} is there already and was not written by an earlier prediction, "
                "or was changed since: give another --out, or move it away."
            )
