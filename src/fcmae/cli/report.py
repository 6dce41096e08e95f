"""``fcmae report``: runs as one page that opens without a network."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from math import prod
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal

from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_places
from fcmae.errors import CheckpointError
from fcmae.files.journal import Journal
from fcmae.model.options import Architecture
from fcmae.model.timm_options import TimmArchitecture
from fcmae.notebook import Result
from fcmae.options.fields import fields_of, plain
from fcmae.options.parse import as_text
from fcmae.reports.run import RunRecord
from fcmae.setup.weights import read_weights, size_name
from fcmae.training import TRAININGS

ENDINGS = (".html", ".htm")


@dataclass(frozen=True, kw_only=True)
class Report:
    """Show runs in one HTML page: what was run, curves, pictures, tables, environment.

    The page holds all it needs, so it opens from a disk and may be sent to others. Runs of any
    kind stand side by side, and one that is unfinished or damaged is shown with what there is.
    """

    runs: list[Path]
    """Folders of runs, the out of pretrain, contrast or finetune."""

    out: Path = Path("report.html")
    """The page; an earlier one is replaced, but no file of others, nor one changed since."""

    def __post_init__(self) -> None:
        if not self.runs:
            raise ValueError("runs names no run: give at least one folder.")
        if self.out.suffix not in ENDINGS or self.out.is_dir():
            raise ValueError(
                f"out is {self.out}, but must be a file whose name ends in {' or '.join(ENDINGS)}."
            )


@dataclass(frozen=True, kw_only=True)
class Reported(Result):
    """Path of the report, and gaps of the runs.

    Attributes:
        out: The page.
        size: Its bytes.
        runs: The name of each run in it.
        unfinished: Those that have not come to their end.
        missing: By run, what is not there or damaged.
    """

    out: Path
    size: int
    runs: list[str]
    unfinished: list[str]
    missing: dict[str, list[str]]


def report(options: Report, console: Console) -> Reported:
    """Read the runs, say what made them, write the page."""
    journal = Journal(options.out.parent, "files")
    journal.refuse_others([options.out.name])
    from fcmae.reports.read import read_runs
    from fcmae.reports.write import write_page

    records = [with_model(record) for record in read_runs(options.runs)]
    with journal.writing(options.out.name) as path:
        size = write_page(records, path)
    return Reported(
        out=options.out,
        size=size,
        runs=[record.name for record in records],
        unfinished=[record.name for record in records if not record.finished],
        missing={record.name: record.missing for record in records if record.missing},
    )


def show_reported(result: Reported, terminal: Terminal) -> None:
    """Shows what the runs lack, and what to open."""
    for name, sentences in result.missing.items():
        for sentence in sentences:
            say(terminal, f"{name}: {sentence}")
    runs = "1 run" if len(result.runs) == 1 else f"{len(result.runs)} runs"
    say(terminal, f"A page of {runs}, {result.size / 1e6:.1f} MB. To open:")
    show_places(terminal, report=result.out)


def with_model(record: RunRecord) -> RunRecord:
    """Returns the record with its command line, and the model as its weights describe it.

    Options of the model that were left to the weights it began with are those of its own weights.
    """
    told = replace(record, command=command_line(record.task, record.flat_options))
    if not record.finished:
        return told
    try:
        weights = read_weights(record.root)
    except CheckpointError as error:
        return replace(told, missing=[*record.missing, f"{error}"])
    return replace(
        told,
        options=as_trained(record.options, weights.net),
        model=net_name(weights.net),
        parameters=sum(prod(shape) for shape in weights.header.shapes.values()),
    )


def net_name(net: Architecture | TimmArchitecture) -> str:
    """Returns the name of an encoder, as ``--model`` takes it."""
    return size_name(net) if isinstance(net, Architecture) else str(net)


def as_trained(options: Mapping[str, Any], net: Architecture | TimmArchitecture) -> dict[str, Any]:
    """Returns nested options with the encoder that was trained in place of what was typed of it."""
    told = dict(options)
    if "model" in told:
        told["model"] = net_name(net)
    fields = asdict(net)
    has_grn = isinstance(net, Architecture) and net.version == 2
    for group, values in {"encoder": fields, "grn": fields["grn"] if has_grn else {}}.items():
        if isinstance(typed := told.get(group), dict):
            told[group] = {name: values.get(name, value) for name, value in typed.items()}
    return told


def command_line(command: str, options: Mapping[str, Any]) -> str:
    """Returns the line of a command with these options, by dotted name; defaults are left out.

    It is empty for a command that is no training.
    """
    if command not in TRAININGS:
        return ""
    words = ["fcmae", *command.split()]
    for name, field in fields_of(TRAININGS[command]).items():
        if name in options and options[name] != plain(field.default):
            words += [f"--{name}", as_text(options[name], field)]
    return shlex.join(words)
