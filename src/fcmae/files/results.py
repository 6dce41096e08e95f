"""A table that a command leaves where its user says: never written over a file of somebody else."""

import importlib.util
from collections.abc import Iterable, Sequence
from pathlib import Path

from fcmae.files.journal import Journal
from fcmae.files.tables import ENDINGS, TableColumns, write_table
from fcmae.flags import option

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
            f"{name} is {path}, which is read too and would be written over: give another "
            f"{option(name)}."
        )
    if path.suffix.lower() == ".parquet" and importlib.util.find_spec("pyarrow") is None:
        raise ValueError(
            f"{name} is {path}, but Parquet needs pyarrow: pip install 'fcmae[parquet]', "
            "or write .csv."
        )
    Journal(path.parent, "files").refuse_others([path.name, _beside(path)])


def write_results(
    path: Path, columns: TableColumns, unusable: Sequence[tuple[str, str]] | None = None
) -> None:
    """Write a table, and beside it the list of the files that were left out, if there are any.

    What an earlier call wrote under these names is replaced.

    Args:
        path: A name that ``check_table`` accepts.
        columns: What the table holds.
        unusable: (path, reason) of each file that was left out; None for a table of no files.
    """
    journal, beside = Journal(path.parent, "files"), _beside(path)
    with journal.writing(path.name) as staged:
        write_table(staged, columns)
    if unusable:
        with journal.writing(beside) as staged:
            write_table(staged, dict(zip(UNUSABLE, zip(*unusable, strict=True), strict=True)))
    else:
        journal.remove(beside)


def unusable_files(unusable: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    """The files that were left out, with the reason, as JSON lists them."""
    return [{"path": path, "reason": reason} for path, reason in unusable]


def _beside(path: Path) -> str:
    return f"{path.stem}-unusable.csv"
