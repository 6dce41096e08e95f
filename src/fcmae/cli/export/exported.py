"""Requests, folders and results of exports."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.cli.shared.show import say, show_places
from fcmae.errors import StorageError
from fcmae.exports.options import FILES, ExportFormat, ExportPrecision, ModelPart
from fcmae.files.journal import Journal
from fcmae.files.written_files import record_name
from fcmae.flags import option
from fcmae.notebook import Result

ENDINGS = {Path(name).suffix for names in FILES.values() for name in names} | {".pt", ".bin"}
README = "README.md"
OURS = (README, ".lock", ".staging", record_name("export"))


@dataclass(frozen=True, kw_only=True)
class ExportRequest:
    """Checked request of an export.

    Attributes:
        format: For whom.
        part: Which part of the model.
        size: Height and width to write down as the model's; None for what the weights say.
        precision: Type of the numbers.
    """

    format: ExportFormat
    part: ModelPart
    size: tuple[int, int] | None
    precision: ExportPrecision


@dataclass(frozen=True, kw_only=True)
class Exported(Result):
    """Files of an export.

    Attributes:
        out: The folder.
        format: For whom.
        model: What was exported, in words.
        part: Which part of it.
        files: The files.
        difference: Largest difference of the outputs from the model's, where the format is a graph
            that can be run.
        lines: Lines of Python that load it.
    """

    out: Path
    format: ExportFormat
    model: str
    part: ModelPart
    files: list[Path]
    difference: float | None
    lines: list[str]


def check_folder(out: Path, format: ExportFormat) -> None:
    """Refuse a name that is meant for a file, and a folder with other things in it.

    Raises:
        ValueError: It is named like a file.
        StorageError: There is something that no earlier export wrote, or that was changed since.
    """
    if out.suffix in ENDINGS and not out.is_dir():
        raise ValueError(
            f"out is {out}, but must be a folder: the weights will be in it as "
            f"{FILES[format][0]}, beside a README.md."
        )
    if out.is_dir():
        known = {*FILES[format], *OURS}
        others = sorted(path.name for path in out.iterdir() if path.name not in known)
        if others:
            raise StorageError(
                f"{out} holds {others[0]}, which is no part of this export: give another "
                f"{option('out')}."
            )
        Journal(out, "export").refuse_others([*FILES[format], README])


def show_exported(result: Exported, terminal: Terminal) -> None:
    """Shows where the files are, and the lines that load them."""
    said = ""
    if result.difference is not None:
        said = f"; its outputs differ from the model's by {result.difference:.1e} at most"
    say(terminal, f"Wrote the {result.part} of {result.model} for {result.format}{said}.")
    show_places(terminal, folder=result.out)
    say(terminal, "In Python:")
    for line in result.lines:
        say(terminal, f"  {line}")
