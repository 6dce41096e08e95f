"""A folder of predictions holds those of one call: what an earlier call wrote is removed."""

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import torch

from fcmae.checkpoint.durable import storage_errors, write_text
from fcmae.peers import Peers

WRITTEN = ".written.json"
"""The names of the files that a call adds to its folder, relative to it."""


def begin(folder: Path, names: Sequence[str], peers: Peers) -> None:
    """Remove the files of an earlier call and take down those of this one, before any is written.

    Files that are not in the earlier call's list stay, as do those of calls that left none.

    Args:
        folder: Where the predictions go; it exists.
        names: The files that this call may write, relative to the folder.
        peers: The leading process does it while the others wait.

    Raises:
        StorageError: The folder cannot be written to.
    """
    if peers.leads:
        with storage_errors(folder):
            for name in _written(folder / WRITTEN):
                (folder / name).unlink(missing_ok=True)
        # A file that is there already is someone else's, and stays so when it is written over.
        new = [name for name in names if not (folder / name).exists()]
        write_text(folder / WRITTEN, json.dumps(new, indent=0) + "\n")
    peers.gather(torch.zeros(1, device=peers.device))


def _written(path: Path) -> list[str]:
    """The names in a list; none where it is missing or not ours."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    found = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return [name for name in found if name and _inside(PurePosixPath(name))]


def _inside(name: PurePosixPath) -> bool:
    return not name.is_absolute() and ".." not in name.parts
