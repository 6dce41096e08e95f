"""A checkpoint on its way: staged beside its final name, synced, described, renamed, read back."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fcmae.checkpoint import manifest
from fcmae.errors import StorageError
from fcmae.files import durable
from fcmae.files.durable import STAGING
from fcmae.flags import option

FORMER = ".former-"
FACTS = "state.json"
MARGIN = 2**20
"""Bytes of a checkpoint that are not tensors, generously."""


def stage(root: Path, step: int, num_bytes: int) -> Path:
    """An empty folder beside the final one, on a disk that has room for so much."""
    staging = root / (STAGING + folder_name(step))
    with durable.storage_errors(root / folder_name(step)):
        root.mkdir(parents=True, exist_ok=True)
        durable.check_space(root, num_bytes + MARGIN)
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
    return staging


def publish(
    staging: Path, step: int, facts: Mapping[str, Any], shards: Mapping[str, manifest.FileEntry]
) -> Path:
    """Make what was staged the checkpoint of its step, and read it back.

    Args:
        staging: From ``stage``, with all tensors in it.
        step: Optimizer steps that were done.
        facts: Everything that is not a tensor.
        shards: What the processes say about the shards they wrote.
    """
    root = staging.parent
    path = root / folder_name(step)
    if absent := [name for name in shards if not (staging / name).is_file()]:
        raise StorageError(
            f"{path} was not written: {absent[0]} was written by another machine and is not there. "
            f"Give an {option('out')} on a disk that all machines share."
        )
    with durable.storage_errors(path):
        text = json.dumps(facts, indent=1, allow_nan=False)
        durable.write_synced(staging / FACTS, text.encode())
        manifest.write_manifest(staging, shards)
        durable.sync_folder(staging)
        _rename(staging, path)
    if damages := manifest.damages(path):
        raise StorageError(
            f"{path} was not written correctly: {'; '.join(damages)}. Check the disk, then give "
            "the command again to go on from the checkpoint before, or choose an "
            f"{option('out')} on another disk."
        )
    return path


def discard(staging: Path) -> None:
    """Remove what is left of a save that did not come to its end."""
    shutil.rmtree(staging, ignore_errors=True)


def folder_name(step: int) -> str:
    """Name of the checkpoint of a step."""
    return f"step-{step:08d}"


def _rename(staging: Path, path: Path) -> None:
    former = path.with_name(FORMER + path.name)
    if path.exists():
        shutil.rmtree(former, ignore_errors=True)
        path.rename(former)
    staging.rename(path)
    durable.sync_folder(path.parent)
    shutil.rmtree(former, ignore_errors=True)
