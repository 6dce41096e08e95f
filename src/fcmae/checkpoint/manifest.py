"""The list of a checkpoint's files with their sizes and SHA-256, itself protected the same way."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fcmae.errors import CheckpointError
from fcmae.files.durable import digest, write_synced
from fcmae.flags import option

NAME = "manifest.json"
FORMAT = 1


FileEntry = dict[str, Any]
"""Size and SHA-256 of a file."""


def entry(path: Path) -> FileEntry:
    """Manifest entry of a file: its size and hash."""
    return {"bytes": path.stat().st_size, "sha256": digest(path)}


def write_manifest(folder: Path, known: Mapping[str, FileEntry] | None = None) -> None:
    """Describe every file of a folder.

    Args:
        folder: The folder.
        known: What whoever wrote some of its files says about them.
    """
    others = {path.name: path for path in folder.iterdir() if path.name not in (known or {})}
    files = {**(known or {}), **{name: entry(path) for name, path in others.items()}}
    write_synced(folder / NAME, _encode({"format": FORMAT, "files": files}))


def damages(folder: Path) -> list[str]:
    """Lists the damage in a folder, in words; empty if every byte is as it was written.

    Raises:
        CheckpointError: It is as another version of fcmae writes them.
    """
    try:
        raw = (folder / NAME).read_bytes()
    except OSError:
        return [f"{NAME} is missing"]
    try:
        content = json.loads(raw)
        del content["sha256"]
        intact = raw == _encode(content)
    except (ValueError, TypeError, KeyError):
        intact = False
    if not intact:
        return [f"{NAME} is damaged"]
    if content["format"] != FORMAT:
        raise CheckpointError(
            f"{folder} has format {content['format']}, but this version of fcmae reads {FORMAT}: "
            "go on with the version that wrote it, or begin anew with "
            f"{option('run.resume', 'false')}."
        )
    checks = (_damage(folder / name, **facts) for name, facts in content["files"].items())
    return [damage for damage in checks if damage]


def _damage(path: Path, *, bytes: int, sha256: str) -> str | None:
    try:
        size = path.stat().st_size
        if size != bytes:
            return f"{path.name} has {size:,} bytes instead of {bytes:,}"
        if digest(path) != sha256:
            return f"{path.name} was changed: its SHA-256 differs"
    except FileNotFoundError:
        return f"{path.name} is missing"
    except OSError as error:
        return f"{path.name} cannot be read ({error.strerror})"
    return None


def _encode(content: dict[str, Any]) -> bytes:
    """The one spelling of a manifest, so that no byte of it can change unnoticed."""
    seal = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return json.dumps({**content, "sha256": seal}, sort_keys=True, indent=1).encode()
