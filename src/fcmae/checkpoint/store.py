"""Checkpoints of a run: ``step-00001234/`` folders that are whole, or do not exist.

A checkpoint is staged beside its final name, synced, described by a manifest, renamed, and read
back; only then may an older one go. Nothing here is pickled, and no clock is asked: the newest
checkpoint is the one of the highest step. Where a model is sharded, each process adds its shard to
what one of them has staged and will seal.
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

from fcmae.checkpoint import manifest
from fcmae.checkpoint.shards import Piece, Reader, TensorPieces, shard_name, write_shard
from fcmae.checkpoint.staging import (
    FACTS,
    FORMER,
    discard,
    folder_name,
    publish,
    stage,
)
from fcmae.checkpoint.tensors import (
    SUFFIX,
    Tensors,
    is_finite,
    non_finite,
    num_bytes,
    read_tensors,
    write_tensors,
)
from fcmae.errors import CheckpointError, NonFiniteError
from fcmae.files import durable
from fcmae.files.durable import STAGING
from fcmae.flags import option

DAMAGED = ".damaged"


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
        reader = self.reader(part)
        return {name: reader.read(name) for name in reader.names}

    def reader(self, part: str) -> Reader:
        """The same, read one at a time or in part."""
        shards = sorted(self.path.glob(f"{part}-*-of-*{SUFFIX}"))
        return Reader(shards or [f for f in [self.path / (part + SUFFIX)] if f.exists()])


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """A checkpoint that cannot be used, and why."""

    path: Path
    reason: str

    def __str__(self) -> str:
        return f"{self.path.name}: {self.reason}"


@dataclass(frozen=True, kw_only=True)
class FoundCheckpoints:
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
        check_finite(step, part, tensors)
    staging = stage(root, step, sum(map(num_bytes, parts.values())))
    try:
        with durable.storage_errors(root / folder_name(step)):
            for part, tensors in parts.items():
                write_tensors(staging / (part + SUFFIX), tensors)
        return seal(staging, step, facts, keep=keep, best=best)
    finally:
        discard(staging)


def check_finite(step: int, part: str, tensors: Tensors) -> None:
    """Refuse to save numbers that no run could go on from."""
    if bad := non_finite(tensors):
        raise NonFiniteError(
            f"after step {step} the {part} has NaN or infinity in {_some(bad)}. Nothing was "
            "saved; the checkpoint before is good."
        )


def add_shard(
    staging: Path, step: int, shard: Mapping[str, TensorPieces], *, number: int, of: int
) -> dict[str, manifest.FileEntry]:
    """Write one process's pieces of each part; what a manifest should say about the files.

    Args:
        staging: From ``stage``, by whichever process leads.
        step: Optimizer steps that were done.
        shard: The pieces by part.
        number: Which process.
        of: How many there are.
    """
    written = {}
    for part, pieces in shard.items():
        tensors = {name: x.rows if isinstance(x, Piece) else x for name, x in pieces.items()}
        check_finite(step, part, tensors)
        path = staging / shard_name(part, number, of)
        with durable.storage_errors(path):
            # Another machine may not have heard of the folder yet; if it has a disk of its own,
            # sealing will find the file missing.
            staging.mkdir(parents=True, exist_ok=True)
            write_shard(path, pieces)
            written[path.name] = manifest.entry(path)
    return written


def seal(
    staging: Path,
    step: int,
    facts: Mapping[str, Any],
    *,
    keep: int,
    best: int | None = None,
    shards: Mapping[str, manifest.FileEntry] | None = None,
) -> Path:
    """Make what was staged the checkpoint of its step, read it back, and drop older ones.

    Args:
        staging: From ``stage``, with all tensors in it.
        step: Optimizer steps that were done.
        facts: Everything that is not a tensor.
        keep: How many of the newest to keep.
        best: Step of another one to keep.
        shards: What the processes say about the shards they wrote.
    """
    path = publish(staging, step, facts, shards or {})
    _prune(path.parent, keep=keep, also={step, best})
    return path


def newest_intact(root: Path) -> FoundCheckpoints:
    """Look for the newest checkpoint whose every byte is as written and every number finite.

    Raises:
        CheckpointError: There are checkpoints, and all are damaged, or another version of fcmae
            wrote one.
    """
    damaged: list[Damaged] = []
    for path in reversed(checkpoints(root)):
        if reasons := _defects(path):
            damaged.append(Damaged(path=path, reason="; ".join(reasons)))
            continue
        facts = json.loads((path / FACTS).read_text(encoding="utf-8"))
        return FoundCheckpoints(
            newest=Saved(path=path, step=_step(path), facts=facts), damaged=damaged
        )
    if damaged:
        raise CheckpointError(
            f"all checkpoints in {root} are damaged ({'; '.join(map(str, damaged))}): begin anew "
            f"with {option('run.resume', 'false')}, or give another {option('out')}."
        )
    return FoundCheckpoints()


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
