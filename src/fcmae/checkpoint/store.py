"""Checkpoints of a run: ``step-00001234/`` folders that are whole, or do not exist.

A checkpoint is staged beside its final name, synced, described by a manifest, renamed, and read
back; only then may an older one go. Nothing here is pickled, and no clock is asked: the newest
checkpoint is the one of the highest step.
"""

import json
import re
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from fcmae.checkpoint import durable, manifest
from fcmae.checkpoint.tensors import (
    Tensors,
    is_finite,
    non_finite,
    num_bytes,
    read_tensors,
    write_tensors,
)
from fcmae.errors import CheckpointError, NonFiniteError, StorageError

STAGING = ".staging-"
FORMER = ".former-"
DAMAGED = ".damaged"
FACTS = "state.json"
SUFFIX = ".safetensors"
MARGIN = 2**20
"""Bytes of a checkpoint that are not tensors, generously."""


@dataclass(frozen=True, kw_only=True)
class Saved:
    """An intact checkpoint.

    Attributes:
        path: Its folder.
        step: Optimizer steps that were done.
        facts: Everything that is not a tensor.
    """

    path: Path
    step: int
    facts: dict[str, Any]

    def tensors(self, part: str) -> dict[str, Tensor]:
        """The tensors of one part (model, ema, optimizer), on the CPU; empty if it has none."""
        path = self.path / (part + SUFFIX)
        return dict(read_tensors(path)) if path.exists() else {}


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A checkpoint that cannot be used, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path.name}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class Found:
    """The newest intact checkpoint, and the newer ones that are damaged."""

    newest: Saved | None = None
    damaged: list[Damaged] = field(default_factory=list)


def save(
    root: Path,
    step: int,
    parts: Mapping[str, Tensors],
    facts: Mapping[str, Any],
    *,
    keep: int,
    best: int | None = None,
) -> Path:
    """Save a checkpoint, then drop those beyond the newest ``keep`` and the one of step ``best``.

    Raises:
        NonFiniteError: A tensor holds NaN or infinity; nothing was written.
        StorageError: The disk is full or faulty; older checkpoints are as they were.
    """
    for part, tensors in parts.items():
        if bad := non_finite(tensors):
            raise NonFiniteError(
                f"after step {step} the {part} has NaN or infinity in {_some(bad)}. Nothing was "
                "saved; the checkpoint before is good."
            )
    path = root / f"step-{step:08d}"
    staging = root / (STAGING + path.name)
    with durable.storage_errors(path):
        root.mkdir(parents=True, exist_ok=True)
        durable.check_space(root, sum(map(num_bytes, parts.values())) + MARGIN)
        try:
            _stage(staging, parts, facts)
            _rename(staging, path)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    if damages := manifest.damages(path):
        raise StorageError(
            f"{path} was not written correctly: {'; '.join(damages)}. Check the disk, then give "
            "the command again to go on from the checkpoint before, or choose an --out on another "
            "disk."
        )
    _prune(root, keep=keep, also={step, best})
    return path


def newest_intact(root: Path) -> Found:
    """Look for the newest checkpoint whose every byte is as written and every number finite.

    Raises:
        CheckpointError: There are checkpoints, and all are damaged.
    """
    damaged: list[Damaged] = []
    for path in reversed(checkpoints(root)):
        if reasons := _defects(path):
            damaged.append(Damaged(path=path, reason="; ".join(reasons)))
            continue
        facts = json.loads((path / FACTS).read_text(encoding="utf-8"))
        return Found(newest=Saved(path=path, step=_step(path), facts=facts), damaged=damaged)
    if damaged:
        raise CheckpointError(
            f"all checkpoints in {root} are damaged ({'; '.join(map(str, damaged))}): begin anew "
            "with --run.resume false, or give another --out."
        )
    return Found()


def checkpoints(root: Path) -> list[Path]:
    """Folders of all checkpoints, from the lowest step to the highest."""
    found = root.iterdir() if root.is_dir() else ()
    return sorted((path for path in found if re.fullmatch(r"step-\d+", path.name)), key=_step)


def set_aside(damaged: Iterable[Damaged]) -> None:
    """Rename damaged checkpoints, so that they neither count nor stand in the way."""
    for checkpoint in damaged:
        aside = checkpoint.path.with_name(checkpoint.path.name + DAMAGED)
        with durable.storage_errors(aside):
            shutil.rmtree(aside, ignore_errors=True)
            checkpoint.path.rename(aside)


def clear_up(root: Path) -> None:
    """Undo what saves that were cut short have left; no other process may be saving."""
    for path in root.glob(STAGING + "*"):
        shutil.rmtree(path, ignore_errors=True)
    for former in root.glob(FORMER + "*"):
        path = root / former.name.removeprefix(FORMER)
        if path.exists():
            shutil.rmtree(former, ignore_errors=True)
        else:
            former.rename(path)


def _stage(staging: Path, parts: Mapping[str, Tensors], facts: Mapping[str, Any]) -> None:
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir()
    for part, tensors in parts.items():
        write_tensors(staging / (part + SUFFIX), tensors)
    text = json.dumps(facts, indent=1, allow_nan=False)
    durable.write_synced(staging / FACTS, text.encode())
    manifest.write_manifest(staging)
    durable.sync_folder(staging)


def _rename(staging: Path, path: Path) -> None:
    former = path.with_name(FORMER + path.name)
    if path.exists():
        shutil.rmtree(former, ignore_errors=True)
        path.rename(former)
    staging.rename(path)
    durable.sync_folder(path.parent)
    shutil.rmtree(former, ignore_errors=True)


def _prune(root: Path, *, keep: int, also: set[int | None]) -> None:
    # A checkpoint that cannot be removed is no reason to stop: the next save tries again.
    for path in checkpoints(root)[:-keep]:
        if _step(path) not in also:
            leaving = root / (STAGING + path.name)
            with suppress(OSError):
                path.rename(leaving)
                shutil.rmtree(leaving)


def _defects(path: Path) -> list[str]:
    if damages := manifest.damages(path):
        return damages
    return [
        f"{file.name} holds NaN or infinity in {name}"
        for file in sorted(path.glob("*" + SUFFIX))
        for name, x in read_tensors(file)
        if not is_finite(x)
    ]


def _step(path: Path) -> int:
    return int(path.name.removeprefix("step-"))


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
