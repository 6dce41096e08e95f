"""The list of a checkpoint's files with their sizes and SHA-256, itself protected the same way."""

import hashlib
import json
from pathlib import Path
from typing import Any

from fcmae.checkpoint.durable import digest, write_synced

NAME = "manifest.json"
FORMAT = 1


def write_manifest(folder: Path) -> None:
    """Describe every file of a folder."""
    files = {
        path.name: {"bytes": path.stat().st_size, "sha256": digest(path)}
        for path in sorted(folder.iterdir())
    }
    write_synced(folder / NAME, _encode({"format": FORMAT, "files": files}))


def damages(folder: Path) -> list[str]:
    """What is wrong with a folder, in words; nothing if every byte is as it was written."""
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
        return [f"its format {content['format']} needs another version of fcmae"]
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
