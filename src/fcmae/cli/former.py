"""A folder of predictions holds those of one call: what an earlier call wrote is removed."""

import json
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import torch

from fcmae.checkpoint.durable import storage_errors, write_text
from fcmae.errors import StorageError
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
        StorageError: Something else is where a file would be written, or nothing can be.
    """
    if peers.leads:
        former = _written(folder / WRITTEN)
        _refuse_others(folder, names, former)
        with storage_errors(folder):
            for name in former:
                _remove(folder, name)
        write_text(folder / WRITTEN, json.dumps(list(names), indent=0) + "\n")
    peers.gather(torch.zeros(1, device=peers.device))


def _refuse_others(folder: Path, names: Sequence[str], former: Sequence[str]) -> None:
    """Refuse to write over what no earlier call has written: images, labels, results of others."""
    ours = set(former)
    for name in names:
        path = folder / name
        if path.is_dir() or (path.exists() and name not in ours):
            raise StorageError(
                f"{path} is there already and was not written by an earlier prediction: give "
                "another --out, or move it away."
            )


def _remove(folder: Path, name: str) -> None:
    """Remove a file, and folders inside that are empty without it."""
    path = folder / name
    if path.is_dir() or not path.parent.is_dir():
        return
    path.unlink(missing_ok=True)
    for parent in path.relative_to(folder).parents:
        if parent != Path() and not any((folder / parent).iterdir()):
            (folder / parent).rmdir()


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
