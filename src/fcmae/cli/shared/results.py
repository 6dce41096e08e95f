"""A table that a command leaves where its user says: never written over a file of somebody else."""

import importlib.util
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from fcmae.checkpoint.durable import write_text
from fcmae.cli.shared.tables import ENDINGS, Columns, write_table
from fcmae.data.predicted import facts_of, lines_of
from fcmae.errors import StorageError

RECORD = ".tables.jsonl"
"""Beside the tables: name, size and time of each, so that one that was changed is the user's."""

UNUSABLE = ("path", "reason")
"""Columns of the list of files that were left out."""


def check_table(path: Path, name: str = "out", *, sources: Sequence[str | Path] = ()) -> None:
    """Refuse a file name that tells no format, one whose library is missing, and files of others.

    Args:
        path: Where the table shall go.
        name: The option that says so.
        sources: Files and folders that are read.

    Raises:
        ValueError: No table can have this name, or it is an input.
        StorageError: There is a file that no earlier call wrote, or that was changed since.
    """
    if path.suffix.lower() not in ENDINGS:
        raise ValueError(f"{name} is {path}, but its name must end in {', '.join(ENDINGS)}.")
    if path.is_dir():
        raise ValueError(f"{name} is {path}, which is a folder, but must be a file.")
    if path.exists() and any(Path(s).exists() and path.samefile(s) for s in sources):
        raise ValueError(
            f"{name} is {path}, which is read too and would be written over: give another --{name}."
        )
    if path.suffix.lower() == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ValueError(
            f"{name} is {path}, but Parquet needs pyarrow: pip install 'fcmae[parquet]', "
            "or write .csv."
        )
    ours = set(_ours(path.parent))
    for file in (path, _beside(path)):
        if os.path.lexists(file) and file.name not in ours:
            raise StorageError(
                f"{file} is there already and was not written by an earlier call, or was changed "
                f"since: give another --{name}, or move it away."
            )


def write_results(
    path: Path, columns: Columns, unusable: Sequence[tuple[str, str]] | None = None
) -> None:
    """Write a table, and beside it the list of the files that were left out, if there are any.

    What an earlier call wrote under these names is replaced; ``check_table`` has refused the rest.

    Args:
        path: A name that ``check_table`` accepts.
        columns: What the table holds.
        unusable: (path, reason) of each file that was left out; None for a table of no files.
    """
    beside, known = _beside(path), set(_ours(path.parent))
    write_table(path, columns)
    written = [path]
    if unusable:
        write_table(beside, dict(zip(UNUSABLE, zip(*unusable, strict=True), strict=True)))
        written.append(beside)
    elif beside.name in known:
        beside.unlink(missing_ok=True)
    kept = [path.parent / name for name in sorted(known) if name not in (path.name, beside.name)]
    lines = (json.dumps([file.name, *(facts_of(file) or ())]) + "\n" for file in kept + written)
    write_text(path.parent / RECORD, "".join(lines))


def _ours(folder: Path) -> Iterator[str]:
    """The tables in a folder that commands wrote and nobody has changed since."""
    for name, facts in lines_of(folder / RECORD):
        if facts_of(folder / name) == facts:
            yield name


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}-unusable.csv")
