"""``fcmae ablate``: first what is asked for, then the runs of a plan and their table."""

from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.ablation.folder import PlanFolder
from fcmae.ablation.options import StepJob
from fcmae.ablation.table import ResultRow
from fcmae.cli.ablate.steps import StepCommands
from fcmae.cli.shared.console import Console
from fcmae.cli.shared.show import say, show_places, show_table
from fcmae.jobs.options import check_submitit
from fcmae.notebook import Result


@dataclass(frozen=True, kw_only=True)
class Ablate:
    """Run a plan of controlled comparisons and put what they come to into a table.

    Steps that are the same in several cells are computed once. A plan that was stopped goes on
    where it was when the same command is given again; a cell that fails does not stop the others.
    """

    plan: str
    """YAML file of a plan, or the name of one of the package, such as table-1-decoders."""

    data: Path
    """Images of the steps without labels, and of all where labelled is not given."""

    labelled: Path | None = None
    """Images of the steps that need labels: fine-tuning and evaluation."""

    out: Path
    """Folder for all runs, and for the table."""

    variant: str | None = None
    """A variant that the plan has, such as small."""

    set: list[str] = field(default_factory=list)
    """Options over those of the plan, each STEP.OPTION=VALUE, or common.OPTION=VALUE for every
    step that has it."""

    only: list[str] = field(default_factory=list)
    """Cells to compute; by default all."""

    seeds: list[int] = field(default_factory=list)
    """Seeds, over those of the plan."""

    search: int | None = None
    """Points to try of the plan's space, over what the plan says."""

    gpus: int | None = None
    """GPUs of this machine to give to one step each; by default one step has all there is."""

    slurm: bool = False
    """Compute each step as a job of a cluster."""

    dry_run: bool = False
    """Check the plan, say what would be computed, and stop."""

    job: StepJob = StepJob()

    def __post_init__(self) -> None:
        for name in ("gpus", "search"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}, but must be at least 1.")
        if any(seed < 0 for seed in self.seeds):
            raise ValueError(f"seeds is {self.seeds}, but each must be 0 or more.")
        if self.slurm and self.gpus is not None:
            raise ValueError("gpus is for this machine, slurm for a cluster: give one of them.")
        if self.slurm:
            check_submitit()


@dataclass(frozen=True, kw_only=True)
class Ablated(Result):
    """Result of a plan.

    Attributes:
        title: What was compared.
        metric: The number that the table shows.
        best: What makes one of several choices the best, in words; None where nothing is chosen.
        rows: One per cell.
        columns: Heads of the table for people.
        lines: The table for people.
        steps: Steps of the plan, each counted once.
        done: How many of them are finished.
        table: The table in files, by format; none where nothing was to be run.
        out: Folder of everything.
    """

    title: str
    metric: str
    best: str | None
    rows: list[ResultRow]
    columns: list[str]
    lines: list[list[str]]
    steps: int
    done: int
    table: dict[str, Path]
    out: Path


def ablate(options: Ablate, console: Console) -> Ablated:
    """Check the whole plan, then compute what is not computed yet."""
    from fcmae.cli.ablate import wiring
    from fcmae.cli.commands import COMMANDS

    checked = wiring.check(options, StepCommands(COMMANDS))
    if options.dry_run:
        return wiring.standing(
            checked.plan, checked.settings, PlanFolder(options.out.absolute()), write=False
        )
    wiring.check_labels(options, checked)
    return wiring.compute(options, checked, console.message)


def show_ablated(result: Ablated, terminal: Terminal) -> None:
    """The table, and where it is."""
    say(terminal, result.title)
    show_table(terminal, result.columns, result.lines)
    if result.best is not None:
        say(terminal, result.best)
    say(terminal, f"{result.done} of {result.steps} steps are done.")
    show_places(terminal, **result.table)
