"""``fcmae report``: runs as one page that opens without a network."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_places
from fcmae.files.journal import Journal
from fcmae.notebook import Result

ENDINGS = (".html", ".htm")


@dataclass(frozen=True, kw_only=True)
class Report:
    """Show runs in one HTML page: what was run, curves, pictures, tables, environment.

    The page holds all it needs, so it opens from a disk and may be sent to others. Runs of any
    kind stand side by side, and one that is unfinished or damaged is shown with what there is.
    """

    runs: list[Path]
    """Folders of runs, the --out of pretrain, contrast or finetune."""

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
    """What was written.

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
    from fcmae.cli.shared.made_by import made_by
    from fcmae.reports.read import read_runs
    from fcmae.reports.write import write_page

    records = [made_by(record) for record in read_runs(options.runs)]
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
    """What the runs lack, and what to open."""
    for name, sentences in result.missing.items():
        for sentence in sentences:
            say(terminal, f"{name}: {sentence}")
    runs = "1 run" if len(result.runs) == 1 else f"{len(result.runs)} runs"
    say(terminal, f"A page of {runs}, {result.size / 1e6:.1f} MB. To open:")
    show_places(terminal, report=result.out)
