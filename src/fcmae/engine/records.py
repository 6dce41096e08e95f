"""Writes a run's records beside its checkpoints: options, metrics, environment."""

import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import torch
from torch.utils.tensorboard import SummaryWriter

from fcmae.engine.folder import RunFolder, metric_lines
from fcmae.errors import StorageError
from fcmae.files.durable import storage_errors, sync_file, write_text
from fcmae.flags import option

RecordKind = Literal["train", "evaluation"]


class Records:
    """Metrics on their way to ``metrics.jsonl`` and TensorBoard.

    Args:
        folder: The run directory.
        step: The step that the run goes on from: later lines are dropped, their steps come again.
        evaluated: The step of the last evaluation that counts, likewise.
    """

    def __init__(self, folder: RunFolder, *, step: int, evaluated: int) -> None:
        self._path = folder.metrics
        last = {"train": step, "evaluation": evaluated}
        kept = [
            line
            for line in metric_lines(self._path)
            if line["step"] <= last.get(line["kind"], step)
        ]
        write_text(self._path, "".join(json.dumps(line) + "\n" for line in kept))
        with storage_errors(folder.tensorboard):
            self._board = SummaryWriter(str(folder.tensorboard), purge_step=step + 1)

    def log(self, kind: RecordKind, metrics: Mapping[str, float]) -> None:
        """Append a line; ``metrics`` names its step. What is not finite is written as null."""
        step = int(metrics["step"])
        numbers = {k: v if math.isfinite(v) else None for k, v in metrics.items()}
        line = {"kind": kind, **numbers, "step": step}
        with storage_errors(self._path), self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
        for name, value in metrics.items():
            if name != "step":
                self._board.add_scalar(f"train/{name}" if kind == "train" else name, value, step)

    def sync(self) -> None:
        """Wait until all lines are on the disk, before a checkpoint that presumes them."""
        with storage_errors(self._path):
            sync_file(self._path)
        self._board.flush()

    def close(self) -> None:
        """End the files."""
        self._board.close()


def write_options(folder: RunFolder, options: Mapping[str, Any]) -> None:
    """Record the resolved options."""
    write_text(folder.options, json.dumps(options, indent=1) + "\n")


def add_environment(
    folder: RunFolder, *, command: str, step: int, device: str, processes: int
) -> None:
    """Records what this start of the run is: command, versions and devices, nothing personal."""
    starts = []
    with suppress(OSError, ValueError):
        starts = json.loads(folder.environment.read_text(encoding="utf-8"))
    start = {"step": step, **environment(), "device": device, "processes": processes}
    starts.append({"command": command, **start} if command else start)
    write_text(folder.environment, json.dumps(starts, indent=1) + "\n")


def environment() -> dict[str, Any]:
    """Versions of what computes."""
    return {
        "fcmae": _version(),
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "platform": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
    }


def _version() -> str | None:
    """The installed version; a source tree on the path has none."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("fcmae")
    return None


def _commit() -> str | None:
    """The commit of a source checkout; an installed package has none."""
    source = Path(__file__).resolve().parents[3]
    if not (source / ".git").exists():
        return None
    try:
        command = ["git", "-C", str(source), "rev-parse", "HEAD"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def require_unfinished_or_empty(folder: RunFolder) -> None:
    """Refuse a directory whose run has ended and whose checkpoints are gone, and files of others.

    Raises:
        StorageError: A new run would write over something.
    """
    if not _was_begun(folder):
        for path in folder.everything:
            if path.exists():
                raise StorageError(
                    f"{path} is there already, though no run was begun here, and a run would write "
                    f"over it: give another {option('out')}, or move it away."
                )
    if folder.weights.exists():
        raise StorageError(
            f"{folder.root} holds the weights of a finished run but no checkpoint to go on from: "
            f"give another {option('out')}, or begin anew with {option('run.resume', 'false')} "
            "(the old files are kept in a folder of their own)."
        )


def _was_begun(folder: RunFolder) -> bool:
    """True if a run has left its options here, which it writes before anything else."""
    try:
        said = json.loads(folder.options.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(said, dict) and {"optim", "run"} <= said.keys()
