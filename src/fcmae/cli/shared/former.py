"""A folder of predictions holds those of one call: what an earlier call wrote is removed."""

import os
from collections.abc import Sequence
from pathlib import Path

from fcmae.checkpoint.durable import storage_errors
from fcmae.cli.shared.written import Journal, remove_former
from fcmae.data.predicted import intact
from fcmae.errors import StorageError
from fcmae.peers import Peers


def begin(folder: Path, names: Sequence[str], peers: Peers) -> Journal:
    """Remove the files of earlier calls, and open the journal of this one.

    Files that no earlier call wrote stay, as do those that were changed since.

    Args:
        folder: Where the predictions go; it exists.
        names: The files that this call may write, relative to the folder.
        peers: The leading process removes while the others wait.

    Returns:
        By which this process writes its files.

    Raises:
        StorageError: A file of others is where one would be written, or nothing can be.
    """
    if peers.leads:
        with storage_errors(folder):
            ours = intact(folder)
            _refuse_others(folder, names, ours)
            remove_former(folder, ours)
    peers.wait()
    return Journal(folder, peers.rank)


def _refuse_others(folder: Path, names: Sequence[str], ours: Sequence[str]) -> None:
    """Refuse to write over what no earlier call has written: images, labels, results of others."""
    known = set(ours)
    for name in names:
        if name not in known and os.path.lexists(folder / name):
            raise StorageError(
                f"{folder / name} is there already and was not written by an earlier prediction, "
                "or was changed since: give another --out, or move it away."
            )
