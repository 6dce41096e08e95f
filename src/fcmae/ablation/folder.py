"""The folder of a plan: each step once, the cells as links to their steps, what was planned."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcmae.ablation.steps import PlanStep, Setting
from fcmae.errors import CheckpointError
from fcmae.files.durable import storage_errors, write_text
from fcmae.flags import option

MOST_SHOWN = 6
"""Differences that a message names at most."""


@dataclass(frozen=True, kw_only=True)
class StepDone:
    """Result of a finished step.

    Attributes:
        result: What its command reported.
        seconds: How long its last start took.
        resumed: Whether it had been begun before, so that it took longer in truth.
    """

    result: dict[str, Any]
    seconds: float
    resumed: bool


@dataclass(frozen=True)
class PlanFolder:
    """Names of the files of a plan under way."""

    root: Path

    def step(self, step: PlanStep) -> Path:
        """The folder of a step, which is that of its run."""
        return self.root / "steps" / step.folder

    def log(self, step: PlanStep) -> Path:
        """All that a step's command has said."""
        return self.step(step) / "log.txt"

    def config(self, step: PlanStep) -> Path:
        """A step's options, for ``--config``."""
        return self.step(step) / "step.yaml"

    def result(self, step: PlanStep) -> Path:
        """Result of a finished step."""
        return self.step(step) / "result.json"

    def told(self, step: PlanStep) -> Path:
        """File of a step's result."""
        return self.step(step) / ".told.json"

    @property
    def plan(self) -> Path:
        """File of the plan."""
        return self.root / "plan.json"

    @property
    def jobs(self) -> Path:
        """Folder of what cluster jobs print."""
        return self.root / "jobs"

    @property
    def search(self) -> Path:
        """The trials of a search."""
        return self.root / "search.db"

    def done(self, step: PlanStep) -> StepDone | None:
        """Result of a step, if it is finished and its weights are still there."""
        try:
            found = json.loads(self.result(step).read_text(encoding="utf-8"))
            done = StepDone(**found)
        except (OSError, ValueError, TypeError):
            return None
        weights = done.result.get("weights")
        if step.takes_out and weights is not None and not (self.step(step) / weights).is_file():
            return None
        return done

    def begin(self, step: PlanStep) -> bool:
        """Make a step's folder ready; whether the step was begun before."""
        folder, begun = self.step(step), self.step(step) / ".begun"
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            resumed = begun.exists()
            write_text(self.config(step), json.dumps(step.options, indent=1) + "\n")
            begun.touch()
        return resumed

    def finish(self, step: PlanStep, result: dict[str, Any], seconds: float, resumed: bool) -> None:
        """Record a result, whole or not at all."""
        if result.get("weights") is not None:
            result["weights"] = os.path.relpath(result["weights"], self.step(step))
        record = {"result": result, "seconds": seconds, "resumed": resumed}
        write_text(self.result(step), json.dumps(record, indent=1) + "\n")
        self.told(step).unlink(missing_ok=True)

    def link(self, setting: Setting, names: Mapping[str, str]) -> None:
        """Show a setting's steps under its cell and seed."""
        folder = self.root / "cells" / setting.cell / f"seed-{setting.seed}"
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            for step in setting.steps:
                link = folder / names.get(step.name, step.name)
                target = os.path.relpath(self.step(step), folder)
                if not (link.is_symlink() and os.readlink(link) == target):
                    link.unlink(missing_ok=True)
                    link.symlink_to(target, target_is_directory=True)

    def agree(self, cells: Mapping[str, Any]) -> None:
        """Record what each cell is; refuse one that is not what it was.

        Raises:
            CheckpointError: The message lists what differs, and the ways out.
        """
        before: dict[str, Any] = {}
        if self.plan.is_file():
            before = _read(self.plan)
        changed = [
            f"{cell}: {difference}"
            for cell in cells
            if cell in before
            for difference in _differences(before[cell], cells[cell])
        ]
        if changed:
            shown = "; ".join(changed[:MOST_SHOWN])
            more = f"; and {len(changed) - MOST_SHOWN} more" if len(changed) > MOST_SHOWN else ""
            raise CheckpointError(
                f"the plan has changed since {self.root} was begun: {shown}{more}. New cells, "
                "seeds and values to choose among may be added; for this give another "
                f"{option('out')}, another name to the cell, or the plan as it was."
            )
        write_text(self.plan, json.dumps({**before, **cells}, indent=1) + "\n")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise CheckpointError(
            f"{path} is damaged: give another {option('out')}, or remove that file."
        )
    return found


def _differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Differences between two records of a cell, in words."""
    found = []
    for step in dict.fromkeys([*before, *now]):
        if step not in before or step not in now:
            found.append(f"the step {step} was {'not' if step in now else 'still'} there")
            continue
        for name in dict.fromkeys([*before[step], *now[step]]):
            values = [json.dumps(record[step].get(name)) for record in (before, now)]
            if values[0] != values[1]:
                found.append(f"{step}.{name} was {values[0]}, is {values[1]}")
    return found
