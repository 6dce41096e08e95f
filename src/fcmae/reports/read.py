"""Read the folders of runs, whatever state they are in."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from fcmae.engine.folder import ACCURACY, PRECISION, RunFolder, metric_lines
from fcmae.errors import CheckpointError
from fcmae.flags import option
from fcmae.reports.run import RunRecord

RESULTS = (ACCURACY, PRECISION)
"""Tables per class, of which a run writes at most one."""

Json = TypeVar("Json", dict[str, Any], list[Any])


def read_runs(roots: Sequence[Path]) -> list[RunRecord]:
    """The records of every run, in the order given; a folder given twice counts once.

    Raises:
        CheckpointError: A folder does not exist or holds no records of a run.
    """
    distinct = list({root.resolve(): root for root in roots}.values())
    for root in distinct:
        require_records(root)
    names = short_names(distinct)
    return [read_run(root, name) for root, name in zip(distinct, names, strict=True)]


def require_records(root: Path) -> None:
    """Refuse what is no run's folder."""
    if not root.is_dir():
        what = "is not a folder" if root.exists() else "does not exist"
        raise CheckpointError(f"{root} {what}: give the folder of a run, its {option('out')}.")
    if not has_records(root):
        inside = [str(path) for path in sorted(root.iterdir()) if has_records(path)]
        way = (
            f"The runs in it are {', '.join(inside)}."
            if inside
            else f"Give a run's {option('out')}."
        )
        raise CheckpointError(
            f"{root} holds no records of a run, neither metrics.jsonl nor options.json. {way}"
        )


def has_records(root: Path) -> bool:
    """True if a folder is that of a run."""
    folder = RunFolder(root)
    return folder.metrics.is_file() or folder.options.is_file()


def read_run(root: Path, name: str) -> RunRecord:
    """Reads a run's folder and notes what it lacks."""
    folder, missing = RunFolder(root), list[str]()
    options: dict[str, Any] = _json(folder.options, {}, missing)
    starts: list[Any] = _json(folder.environment, [], missing)
    lines = list(_metrics(folder.metrics, missing))
    starts = [start for start in starts if isinstance(start, dict)]
    commands = [str(start["command"]) for start in starts if "command" in start]
    results: dict[str, Any] = {}
    for path in (root / file for file in RESULTS):
        results |= _json(path, {}, missing) if path.is_file() else {}
    finished = folder.weights.is_file()
    if not finished:
        missing.append(f"There is no {folder.weights.name}: the run has not come to its end.")
    return RunRecord(
        root=root,
        name=name,
        options=options,
        steps=[line for line in lines if line["kind"] == "train"],
        evaluations=[line for line in lines if line["kind"] == "evaluation"],
        starts=starts,
        results=results,
        finished=finished,
        missing=missing,
        task=commands[-1] if commands else "",
    )


def short_names(roots: Sequence[Path]) -> list[str]:
    """The end of each path, as long as it takes to tell the runs apart."""
    # Not resolved: a link of a table's cell says more than the folder that it leads to.
    parts = [Path(os.path.normpath(root.absolute())).parts for root in roots]
    names = []
    for mine in parts:
        length = next(
            (n for n in range(1, len(mine)) if sum(p[-n:] == mine[-n:] for p in parts) == 1),
            len(mine),
        )
        names.append(Path(*mine[-length:]).as_posix())
    return names


def _json(path: Path, empty: Json, missing: list[str]) -> Json:
    """Reads a JSON file; if absent or damaged, nothing, and a sentence about it."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        missing.append(f"There is no {path.name}.")
        return empty
    except (OSError, ValueError, RecursionError) as error:
        missing.append(f"{path.name} cannot be read: {str(error).splitlines()[0]}.")
        return empty
    if not isinstance(found, type(empty)):
        missing.append(f"{path.name} holds something else than it should.")
        return empty
    return found


def _metrics(path: Path, missing: list[str]) -> Iterator[dict[str, Any]]:
    """The whole lines of the metrics, with a sentence about what they lack."""
    try:
        lines = metric_lines(path)
        written = len(path.read_bytes().splitlines()) if path.is_file() else 0
    except OSError as error:
        missing.append(f"{path.name} cannot be read: {error.strerror}.")
        return
    if not written:
        missing.append(f"{path.name} holds no lines yet: there are no curves.")
    if written > len(lines):
        missing.append(f"Of {written} lines of {path.name}, {written - len(lines)} are damaged.")
    bad = sum(None in line.values() for line in lines)
    if bad:
        missing.append(f"{bad} lines have numbers that are not finite; the curves leave them out.")
    yield from lines
