"""From cells to steps with every option resolved; steps that are the same are one step."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from fcmae.ablation.commands import Commands
from fcmae.ablation.layers import NOTHING, Tree
from fcmae.ablation.plan import Cell, Metric, Plan
from fcmae.engine.resume import FREE

WHERE = tuple(name for name in FREE if "." in name)
"""Options that say where and how fast a step is computed; they may change while a plan goes on."""
SEEDS = ("run.seed", "seed")
OWN = ("command", "config", "from")
"""Keys of a step that are no options of its command."""


@dataclass(frozen=True, kw_only=True)
class PlanStep:
    """A command with every option but for the places that the runner gives it.

    Attributes:
        name: The step of the plan.
        command: The command.
        options: Its options by dotted name, without ``out`` and, after another step, ``weights``.
        start: The step whose weights it starts from.
        takes_out: Whether it makes a run, which needs a folder.
    """

    name: str
    command: str
    options: dict[str, Any]
    start: "PlanStep | None"
    takes_out: bool

    @property
    def key(self) -> str:
        """A hash of all that its result depends on."""
        identity = {
            "command": self.command,
            "options": {name: x for name, x in self.options.items() if name not in WHERE},
            "start": None if self.start is None else self.start.key,
        }
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.name}-{self.key[:16]}"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A cell with a seed, at one of the values that the best is chosen among.

    Attributes:
        cell: The cell.
        seed: The seed.
        choice: Those values by ``STEP.OPTION``.
        steps: What to compute, in order.
    """

    cell: str
    seed: int
    choice: dict[str, str] = field(default_factory=dict)
    steps: tuple[PlanStep, ...]

    @property
    def name(self) -> str:
        """Its name in messages."""
        chosen = "".join(f", {option} {value}" for option, value in self.choice.items())
        return f"{self.cell}, seed {self.seed}{chosen}"


@dataclass(frozen=True, kw_only=True)
class Data:
    """Places of the images.

    Attributes:
        images: For steps without labels, and for all where no others are given.
        labelled: For steps with labels.
    """

    images: Path
    labelled: Path | None = None

    def given_to(self, needs_labels: bool) -> str:
        """The images of a step."""
        source = self.labelled if needs_labels and self.labelled is not None else self.images
        return str(source.absolute())


@dataclass(kw_only=True)
class Resolver:
    """Asks the commands for the options of steps, once for each."""

    commands: Commands
    data: Data
    known: dict[str, dict[str, Any]] = field(default_factory=dict)

    def settings(self, plan: Plan) -> list[Setting]:
        """Everything that a plan asks for, checked.

        Raises:
            ValueError: A step, an option or a value that cannot be; the message says where.
        """
        names, lists = list(plan.best_over), list(plan.best_over.values())
        choices = [dict(zip(names, values, strict=True)) for values in product(*lists)]
        return [
            Setting(cell=cell.name, seed=seed, choice=c, steps=self.chain(cell, c, seed, plan))
            for cell in plan.cells
            for seed in plan.seeds
            for c in choices
        ]

    def chain(
        self, cell: Cell, choice: Mapping[str, str], seed: int | None, plan: Plan
    ) -> tuple[PlanStep, ...]:
        """The steps of a cell, each after the one that it starts from."""
        try:
            made: dict[str, PlanStep] = {}
            for name, tree in _chosen(cell, choice).items():
                made[name] = self.step(name, tree, cell.common, made, seed)
            self.check_common(cell, made)
            for metric in (plan.metric, plan.best_by):
                self.check_metric(metric, made)
            for metric in plan.also.values():
                if metric.step in made:
                    self.check_metric(metric, made)
        except ValueError as error:
            raise ValueError(f"cell {cell.name}: {error}") from None
        return tuple(made.values())

    def step(
        self, name: str, tree: Tree, common: Tree, before: Mapping[str, PlanStep], seed: int | None
    ) -> PlanStep:
        """One step."""
        command = self.command(name, tree)
        options = self.commands.options(command)
        start = _start(name, tree, before)
        values = {key: x for key, x in tree.items() if key not in OWN}
        values = {key: x for key, x in common.items() if key in options} | values
        takes_out = "out" in options
        given = {"data": self.data.given_to(self.commands.labelled(command))}
        given |= {} if seed is None else {key: str(seed) for key in SEEDS if key in options}
        places = {"out": "out"} if takes_out else {}
        places |= {} if start is None else {"weights": f"step {start.name}"}
        for key in values.keys() & places.keys():
            raise ValueError(f"step {name}: {key} is given by the plan's runner: leave it out.")
        resolved = self.resolve(name, command, _configs(tree), {**given, **values, **places})
        return PlanStep(
            name=name,
            command=command,
            options={key: x for key, x in resolved.items() if key not in places},
            start=start,
            takes_out=takes_out,
        )

    def command(self, name: str, tree: Tree) -> str:
        """The command that a step is: its own name, where the plan says no other."""
        command, names = str(tree.get("command", name)), self.commands.names()
        if command not in names:
            close = self.commands.close(command, names) or f" The steps are {', '.join(names)}."
            raise ValueError(f"step {name}: there is no step {command!r}.{close}")
        return command

    def resolve(self, name: str, command: str, configs: list[str], values: Tree) -> dict[str, Any]:
        """All options of a command; asked for once where steps are the same."""
        asked = json.dumps([command, configs, values], sort_keys=True)
        if asked not in self.known:
            try:
                self.known[asked] = self.commands.resolve(command, configs, values)
            except ValueError as error:
                raise ValueError(f"step {name}: {error}") from None
        return self.known[asked]

    def check_common(self, cell: Cell, steps: Mapping[str, PlanStep]) -> None:
        """Refuse a common option that no step has."""
        known = {key for step in steps.values() for key in self.commands.options(step.command)}
        for key in cell.common:
            if key not in known:
                close = self.commands.close(key, known)
                raise ValueError(f"common: no step has an option {key}.{close}")

    def check_metric(self, metric: Metric, steps: Mapping[str, PlanStep]) -> None:
        """Refuse a number that no result has."""
        if metric.step not in steps:
            raise ValueError(f"it has no step {metric.step}, which {metric} is measured by.")
        first, names = metric.path.split(".")[0], self.commands.numbers(steps[metric.step].command)
        if first not in names:
            close = self.commands.close(first, names) or f" It has {', '.join(names)}."
            raise ValueError(f"the result of {metric.step} has no {first}.{close}")


def planned(plan: Plan, resolver: "Resolver") -> dict[str, Any]:
    """Describes each cell apart from seeds and choices, to notice changes."""
    cells: dict[str, Any] = {}
    for cell in plan.cells:
        steps = resolver.chain(cell, {}, None, plan)
        cells[cell.name] = {
            step.name: {
                "command": step.command,
                "from": step.start.name if step.start else None,
                **{name: value for name, value in step.options.items() if name not in WHERE},
            }
            for step in steps
        }
    if plan.search is not None:
        cells["search"] = {
            "space": plan.search.get("space", {}),
            "points": {
                "direction": plan.direction,
                "best_by": str(plan.best_by),
                "seeds": list(plan.seeds),
            },
        }
    return cells


def unique(settings: Sequence[Setting]) -> list[PlanStep]:
    """Every step once, each after the one that it starts from."""
    return list({step.key: step for setting in settings for step in setting.steps}.values())


def _chosen(cell: Cell, choice: Mapping[str, str]) -> dict[str, Tree]:
    """The steps of a cell with a choice's values laid over them."""
    steps = {name: dict(tree) for name, tree in cell.steps.items()}
    for name, value in choice.items():
        step, _, option = name.partition(".")
        if step not in steps:
            raise ValueError(f"it has no step {step}, but the best is chosen over {name}.")
        steps[step][option] = value
    return steps


def _start(name: str, tree: Tree, before: Mapping[str, PlanStep]) -> PlanStep | None:
    start = tree.get("from")
    if start is None or start in NOTHING:
        return None
    if not isinstance(start, str) or start not in before:
        raise ValueError(
            f"step {name}: from is {start}, but no step before it is called so in this cell. "
            "'from: null' starts from scratch."
        )
    return before[start]


def _configs(tree: Tree) -> list[str]:
    configs = tree.get("config")
    if configs is None or configs in NOTHING:
        return []
    return [configs] if isinstance(configs, str) else list(configs)
