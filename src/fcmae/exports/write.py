"""An export: files that are whole, or none."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from fcmae.exports.facts import ExportFacts
from fcmae.exports.options import FILES, ExportFormat
from fcmae.exports.readme import readme
from fcmae.files import durable
from fcmae.files.written_files import line_of, record_name

README = "README.md"
STAGING = ".staging"
MODULES: dict[ExportFormat, str] = {
    "safetensors": "safetensors",
    "official": "official",
    "timm": "timm",
    "huggingface": "huggingface",
    "torchvision": "torchvision",
    "onnx": "onnx",
    "torch-export": "program",
}
"""Which file here writes each format; imported when asked for, since some need an extra."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """Files of an export.

    Attributes:
        files: The files.
        lines: Lines of Python that open them.
        difference: Largest difference from the model's outputs, where they were compared.
    """

    files: list[Path]
    lines: list[str]
    difference: float | None


def export(model: nn.Module, facts: ExportFacts, format: ExportFormat, out: Path) -> Written:
    """Write a model into a folder, and a README.md beside it.

    Args:
        model: A model of fcmae in evaluation mode on the CPU.
        facts: Which part of it to write, and what is known about it.
        format: For whom.
        out: The folder. Nothing in it changes before everything is written and checked.

    Raises:
        StorageError: The folder cannot be written, or holds other things.
        FcmaeError: The exported model computes something else.
    """
    module: Any = import_module(f"fcmae.exports.{MODULES[format]}")
    write: Callable[[nn.Module, ExportFacts, Path], float | None] = module.write
    lines: list[str] = module.lines(facts, out)
    with _staged(out, FILES[format]) as folder:
        difference = write(model, facts, folder)
        text = readme(facts, format, lines)
        (folder / README).write_text(text, encoding="utf-8")
        names = sorted(path.name for path in folder.iterdir())
    return Written(files=[out / name for name in names], lines=lines, difference=difference)


@contextmanager
def _staged(out: Path, known: Sequence[str]) -> Iterator[Path]:
    """A folder whose files move to ``out`` once all of them are written.

    Args:
        out: The folder that they move to.
        known: Files of an export; those of an earlier one that are not written anew go.
    """
    folder = out / STAGING
    with durable.storage_errors(out):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    try:
        with durable.storage_errors(out):
            yield folder
            written = sorted(folder.iterdir())
            for path in written:
                durable.sync_file(path)
                with (out / record_name("export")).open("a", encoding="ascii") as lines:
                    lines.write(f"\n{line_of(path.name, path)}")
                durable.replace(path, out / path.name)
            for name in {*known} - {path.name for path in written}:
                (out / name).unlink(missing_ok=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
