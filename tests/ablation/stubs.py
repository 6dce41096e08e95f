"""Commands of milliseconds in place of trainings, behind the runner's seam."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fcmae.ablation.folder import PlanFolder
from fcmae.cli.ablate import wiring
from fcmae.cli.ablate.ablate import Ablate, Ablated
from fcmae.cli.ablate.steps import StepCommands
from fcmae.cli.command import Command

PROGRAM = Path(__file__).with_name("stub.py")


@dataclass(frozen=True, kw_only=True)
class Stub:
    """Something to compute."""

    data: Path
    """Images."""
    weights: str | None = None
    """Where to start."""
    value: int = 0
    """Changes the result."""
    rate: float = 1.0
    """Changes the result too."""
    best: float | None = None
    """The rate at which the result is highest."""
    seed: int = 0
    """Changes the result as well."""
    seconds: float = 0.0
    """How long it takes."""
    fails: bool = False
    """Whether it ends in an error."""

    def __post_init__(self) -> None:
        if self.value < 0:
            raise ValueError(f"value is {self.value}, but must be 0 or more.")


@dataclass(frozen=True, kw_only=True)
class StubRun(Stub):
    """The same, with a folder."""

    out: Path
    """Folder."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What it reports."""

    top1: float
    metrics: dict[str, float] = field(default_factory=dict)


def run(options: Any, console: Any) -> Report:
    raise AssertionError("a stub is run in a process of its own")


def show(report: Report, terminal: Any) -> None:
    raise AssertionError("nobody looks at a stub")


class StubCommands(StepCommands):
    """The commands of a plan, each of which is the stub."""

    def __init__(self) -> None:
        kinds = {"pretrain": StubRun, "finetune classify": StubRun, "evaluate linear": Stub}
        super().__init__(
            {
                n: Command(options=k, run=run, show=run, purpose="train", example="")
                for n, k in kinds.items()
            }
        )

    def line(self, command: str, words: Sequence[str]) -> list[str]:
        return [sys.executable, "-S", "-E", str(PROGRAM), "--command", command, *words]


@dataclass
class Desk:
    """A folder with a plan in it, and what running it takes."""

    root: Path
    said: list[str] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.root / "out"

    def options(self, text: str, **more: Any) -> Ablate:
        plan = self.root / "plan.yaml"
        plan.write_text(text)
        return Ablate(plan=str(plan), data=self.root, out=self.out, **more)

    def run(self, text: str, **more: Any) -> Ablated:
        options = self.options(text, **more)
        return wiring.compute(options, wiring.check(options, StubCommands()), self.said.append)

    def standing(self, text: str) -> Ablated:
        """What a dry run answers."""
        options = self.options(text, dry_run=True)
        checked = wiring.check(options, StubCommands())
        folder = PlanFolder(self.out)
        return wiring.standing(checked.plan, checked.settings, folder, write=False)

    def calls(self) -> list[str]:
        """The commands that were run since the last time, in order."""
        path = self.root / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.write_text("")
        return lines
