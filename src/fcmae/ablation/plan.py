"""Reads and checks a plan; ``steps`` checks that the options of its steps exist."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fcmae.ablation.commands import Commands
from fcmae.ablation.layers import NOTHING, Tree, merged
from fcmae.ablation.values import Direction, direction_of, number_of, seeds_of, values_of, yes

KEYS = (
    "title", "metric", "percent", "also", "seeds", "common", "steps", "cells", "axes", "paper",
    "best_over", "best_by", "direction", "search",
)  # fmt: skip
OF_CELL = ("paper", "common")
"""Keys of a cell that are no steps."""
HEADS = ("cell", "mean", "std", "seeds", "paper", "resumed", "parameters", "time")
"""Columns of the tables, whatever the plan."""
CELL_NAME = re.compile(r"[\w+=-][\w.+=,-]*")
STEP_NAME = re.compile(r"[a-z]\w*")


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A number in the result of a step.

    Attributes:
        step: The step.
        path: Where in its result, as in ``top1`` or ``metrics.loss``.
    """

    step: str
    path: str

    def __str__(self) -> str:
        return f"{self.step}.{self.path}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One line of the table.

    Attributes:
        name: Its name, and that of its folder.
        steps: What it does, step by step: the keys of each as the plan writes them.
        common: Options for all of its steps that have them.
        paper: The paper's number.
        at: Its values on the plan's axes.
    """

    name: str
    steps: dict[str, Tree]
    common: Tree = field(default_factory=dict)
    paper: float | None = None
    at: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A comparison.

    Attributes:
        title: What is compared.
        metric: What the table shows.
        percent: Whether it is a share that is shown in percent.
        also: Further numbers of the table by their heads, shown as they are.
        best_by: What the best choice is taken by.
        direction: Whether that should be high or low.
        best_over: Values to choose among, by ``STEP.OPTION``; the same for all cells.
        seeds: Each cell is computed with each.
        cells: What is compared.
        search: The space of a search, as the plan writes it.
    """

    title: str
    metric: Metric
    percent: bool
    also: dict[str, Metric]
    best_by: Metric
    direction: Direction
    best_over: dict[str, list[str]]
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]
    search: Tree | None = None


def plan_of(tree: Tree, name: str, commands: Commands) -> Plan:
    """The plan that a tree writes down.

    Raises:
        ValueError: It cannot be one; the message says where.
    """
    for key in tree:
        if key not in KEYS:
            raise ValueError(f"there is no key {key}.{commands.close(key, [*KEYS, 'base'])}")
    steps = _mapping(tree, "steps")
    if not steps:
        raise ValueError("there are no steps. Give some, such as 'steps: {pretrain: {}}'.")
    for step in steps:
        if not STEP_NAME.fullmatch(step) or step in OF_CELL:
            raise ValueError(
                f"a step is called {step!r}, but a name has letters, digits and _, begins with a "
                f"small letter, and is none of {', '.join(OF_CELL)}."
            )
    whole = {step: _step(value, step) for step, value in steps.items() if value != "null"}
    if not whole:
        raise ValueError(f"all steps are null ({', '.join(steps)}). Give at least one.")
    metric = _metric(tree.get("metric"), "metric", whole)
    best_by = _metric(tree["best_by"], "best_by", whole) if "best_by" in tree else metric
    search = _mapping(tree, "search")
    return Plan(
        title=str(tree.get("title", name)),
        metric=metric,
        percent=yes(tree.get("percent", "true"), "percent"),
        also=_also(tree, whole),
        best_by=best_by,
        direction=_direction(tree, search, best_by),
        best_over={
            key: values_of(values, key) for key, values in _mapping(tree, "best_over").items()
        },
        seeds=seeds_of(tree.get("seeds", ["0"])),
        cells=_cells(tree, whole, commands),
        search=search or None,
    )


def _direction(tree: Tree, search: Tree, best_by: Metric) -> Direction:
    """Direction of the metric; a search may name it, but not differently from its plan."""
    said = {"direction": tree.get("direction"), "search: direction": search.get("direction")}
    ways = {
        key: direction_of(text, key, best_by.path)
        for key, text in said.items()
        if text is not None and text not in NOTHING
    }
    if len(set(ways.values())) > 1:
        told = ", but ".join(f"{key} is {way}" for key, way in ways.items())
        raise ValueError(f"{told}: say one of them, or the same in both.")
    return next(iter(ways.values()), None) or direction_of(None, "direction", best_by.path)


def _also(tree: Tree, steps: Mapping[str, Tree]) -> dict[str, Metric]:
    found = _mapping(tree, "also")
    for head in found:
        if head in HEADS:
            raise ValueError(f"also: {head} is a column of every table: give it another head.")
    return {head: _metric(text, f"also: {head}", steps) for head, text in found.items()}


def _cells(tree: Tree, steps: Mapping[str, Tree], commands: Commands) -> tuple[Cell, ...]:
    """The cells that are named, or a single one; at each combination of the axes' values."""
    common, papers = _mapping(tree, "common"), _mapping(tree, "paper")
    axes = {key: values_of(values, key) for key, values in _mapping(tree, "axes").items()}
    made: dict[str, Cell] = {}
    for given, value in (_mapping(tree, "cells") or {"": {}}).items():
        if value == "null":  # a layer below had it
            continue
        parts = _parts(value, given, steps, commands)
        own, shared = _over(steps, parts), merged(common, _mapping(parts, "common"))
        for at in _combinations(axes):
            cell = _at(given, at, own, shared)
            paper = papers.pop(cell.name, parts.get("paper"))
            number = None if paper is None else number_of(paper, f"paper of {cell.name}")
            made[cell.name] = replace(cell, paper=number)
    for name in papers:
        raise ValueError(f"paper: there is no cell {name}.{commands.close(name, made)}")
    return tuple(made.values())


def _parts(value: Any, name: str, steps: Mapping[str, Tree], commands: Commands) -> Tree:
    """Options that a cell lays over the steps."""
    parts = {} if value in NOTHING else value
    if not isinstance(parts, Mapping):
        raise ValueError(f"the cell {name} is {parts!r}, but must hold steps with options.")
    known = [*steps, *OF_CELL]
    for key in parts:
        if key not in known:
            raise ValueError(
                f"the cell {name}: there is no step {key}.{commands.close(key, known)}"
            )
    return dict(parts)


def _over(steps: Mapping[str, Tree], parts: Mapping[str, Any]) -> dict[str, Tree]:
    """The steps with a cell's changes; a step that the cell sets to null is left out."""
    changes = {step: _step(parts[step], step) for step in steps if step in parts}
    return {s: tree for s, tree in merged(steps, changes).items() if parts.get(s) != "null"}


def _at(given: str, at: Mapping[str, str], steps: Mapping[str, Tree], common: Tree) -> Cell:
    """A cell at one combination of the axes' values."""
    words = [f"{axis.rpartition('.')[2]}={value}" for axis, value in at.items()]
    name = ",".join([*([given] if given else []), *words]) or "base"
    if not CELL_NAME.fullmatch(name):
        raise ValueError(
            f"a cell is called {name!r}, but a name has only letters, digits and . _ + = , -"
        )
    own, shared = {step: dict(tree) for step, tree in steps.items()}, dict(common)
    for axis, value in at.items():
        step, _, option = axis.partition(".")
        if step != "common" and step not in own:
            raise ValueError(f"axes: {axis} must be STEP.OPTION, with a step of the plan.")
        (shared if step == "common" else own[step])[option] = value
    return Cell(name=name, steps=own, common=shared, at=dict(at))


def _combinations(axes: Mapping[str, list[str]]) -> list[dict[str, str]]:
    found: list[dict[str, str]] = [{}]
    for axis, values in axes.items():
        found = [{**one, axis: value} for one in found for value in values]
    return found


def _step(value: Any, step: str) -> Tree:
    if value in NOTHING:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"the step {step} is {value!r}, but must hold options, or null.")
    return dict(value)


def _mapping(tree: Mapping[str, Any], key: str) -> Tree:
    value = tree.get(key, {})
    if value in NOTHING:
        return {}
    if not isinstance(value, Mapping):
        raise ValueError(f"{key} is {value!r}, but must hold keys with values.")
    return dict(value)


def _metric(text: Any, key: str, steps: Mapping[str, Tree]) -> Metric:
    step, _, path = str(text or "").partition(".")
    if step not in steps or not path:
        raise ValueError(
            f"{key} is {text!r}, but must be STEP.NUMBER, such as {list(steps)[-1]}.top1."
        )
    return Metric(step=step, path=path)
