"""Tabulates cells: means and spreads over seeds, each cell at its best choice."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fcmae.ablation.folder import PlanFolder
from fcmae.ablation.plan import Cell, Metric, Plan
from fcmae.ablation.steps import Setting
from fcmae.checkpoint.header import read_header
from fcmae.errors import CheckpointError


@dataclass(frozen=True, kw_only=True)
class Spread:
    """A number over the seeds.

    Attributes:
        mean: Its mean.
        std: Its standard deviation (of a sample); None for fewer than two.
    """

    mean: float
    std: float | None = None

    @classmethod
    def of(cls, by_seed: Mapping[int, float]) -> "Spread | None":
        """That of the numbers of some seeds, if there are any."""
        if not by_seed:
            return None
        values = list(by_seed.values())
        return cls(
            mean=statistics.fmean(values),
            std=statistics.stdev(values) if len(values) > 1 else None,
        )


@dataclass(frozen=True, kw_only=True)
class ResultRow:
    """A cell of the plan.

    Attributes:
        cell: Its name.
        mean: Mean over the seeds; None where there is no number yet.
        std: Standard deviation over the seeds (of a sample); None for fewer than two.
        values: The number of each seed.
        seeds: How many seeds there are numbers of.
        also: Further numbers by the heads of the plan; those that are there.
        paper: The paper's number.
        choice: What the best was chosen to be, by ``STEP.OPTION``.
        at: Values on the plan's axes.
        seconds: Mean time of each step.
        resumed: Whether any step was begun more than once, so that it took longer in truth.
        parameters: Of the last model that the cell makes.
    """

    cell: str
    mean: float | None = None
    std: float | None = None
    values: dict[str, float] = field(default_factory=dict)
    seeds: int = 0
    also: dict[str, Spread] = field(default_factory=dict)
    paper: float | None = None
    choice: dict[str, str] = field(default_factory=dict)
    at: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    resumed: bool = False
    parameters: int | None = None


def rows(plan: Plan, settings: Sequence[Setting], folder: PlanFolder) -> list[ResultRow]:
    """A row for each cell, from what is finished."""
    of_cell: dict[str, list[Setting]] = {cell.name: [] for cell in plan.cells}
    for setting in settings:
        of_cell[setting.cell].append(setting)
    return [_row(cell, best(plan, of_cell[cell.name], folder), plan, folder) for cell in plan.cells]


def best(plan: Plan, settings: Sequence[Setting], folder: PlanFolder) -> list[Setting]:
    """The settings of a cell at the choice whose mean over the seeds is best."""
    by_choice: dict[tuple[tuple[str, str], ...], list[Setting]] = {}
    for setting in settings:
        by_choice.setdefault(tuple(setting.choice.items()), []).append(setting)
    if len(by_choice) < 2:
        return list(settings)

    sign = -1 if plan.direction == "minimize" else 1

    def order(alike: list[Setting]) -> tuple[bool, float]:
        value = merit(plan, alike, folder)
        return (value is not None, sign * (value or 0.0))

    return max(by_choice.values(), key=order)


def merit(plan: Plan, alike: Sequence[Setting], folder: PlanFolder) -> float | None:
    """Mean metric of settings that differ by their seed alone, where all are done."""
    numbers = [number(setting, plan.best_by, folder) for setting in alike]
    known = [x for x in numbers if x is not None]
    return statistics.fmean(known) if known and len(known) == len(numbers) else None


def number(setting: Setting, metric: Metric, folder: PlanFolder) -> float | None:
    """A number of a setting, if it is there."""
    step = next((step for step in setting.steps if step.name == metric.step), None)
    done = None if step is None else folder.done(step)
    return None if done is None else number_at(done.result, metric.path)


def number_at(result: Mapping[str, Any], path: str) -> float | None:
    """A number by dotted path; a key of a result may have dots itself."""
    if path in result:
        found = result[path]
        is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
        return float(found) if is_number else None
    first, _, rest = path.partition(".")
    inner = result.get(first)
    return number_at(inner, rest) if rest and isinstance(inner, Mapping) else None


def _row(cell: Cell, settings: Sequence[Setting], plan: Plan, folder: PlanFolder) -> ResultRow:
    also = {head: Spread.of(_by_seed(settings, m, folder)) for head, m in plan.also.items()}
    found = _by_seed(settings, plan.metric, folder)
    spread = Spread.of(found)
    settings = [setting for setting in settings if setting.seed in found]
    values = {str(seed): x for seed, x in found.items()}
    done = [(step.name, d) for s in settings for step in s.steps if (d := folder.done(step))]
    names = dict.fromkeys(name for name, _ in done)
    return ResultRow(
        cell=cell.name,
        mean=None if spread is None else spread.mean,
        std=None if spread is None else spread.std,
        values=values,
        seeds=len(values),
        also={head: one for head, one in also.items() if one is not None},
        paper=cell.paper,
        choice=dict(settings[0].choice) if settings else {},
        at=cell.at,
        seconds={n: statistics.fmean(d.seconds for m, d in done if m == n) for n in names},
        resumed=any(d.resumed for _, d in done),
        parameters=_parameters(settings, folder),
    )


def _by_seed(settings: Sequence[Setting], metric: Metric, folder: PlanFolder) -> dict[int, float]:
    """A number of each setting that has it, by its seed."""
    return {s.seed: x for s in settings if (x := number(s, metric, folder)) is not None}


def _parameters(settings: Sequence[Setting], folder: PlanFolder) -> int | None:
    """Parameters of the last model that is there."""
    for step in reversed([step for setting in settings for step in setting.steps]):
        done = folder.done(step)
        if done is not None and done.result.get("weights") is not None:
            try:
                shapes = read_header(folder.step(step) / done.result["weights"]).shapes
            except CheckpointError:
                continue
            return sum(math.prod(shape) for shape in shapes.values())
    return None
