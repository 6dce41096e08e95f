"""The space of a search: ranges of numbers and lists of values, by ``STEP.OPTION``."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fcmae.ablation.layers import Tree
from fcmae.ablation.plan import Cell, Plan
from fcmae.ablation.values import Direction, values_of, yes

TRIALS = 20
KEYS = ("trials", "direction", "space")
RANGE_KEYS = ("low", "high", "log")


@dataclass(frozen=True, kw_only=True)
class Range:
    """Numbers between two, both included.

    Attributes:
        low: The smallest.
        high: The largest.
        log: Whether their logarithms are drawn evenly.
        whole: Whether only whole numbers are meant, which is so where both ends are written so.
    """

    low: float
    high: float
    log: bool
    whole: bool

    def ends(self) -> tuple[str, str]:
        """Both ends as options are written."""
        return self.text(self.low), self.text(self.high)

    def text(self, value: float) -> str:
        """A number as options are written."""
        return str(round(value)) if self.whole else repr(float(value))


@dataclass(frozen=True, kw_only=True)
class Space:
    """Search space and direction.

    Attributes:
        ranges: Numbers, by option.
        choices: Lists of values, by option.
        trials: How many points are tried.
        direction: Whether the number of ``best_by`` should be high or low.
    """

    ranges: dict[str, Range] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    trials: int = TRIALS
    direction: Direction = "maximize"

    def corners(self, cell: Cell) -> list[Cell]:
        """Cells that hold each value at the edge of the space, to check them."""
        ends = {name: list(one.ends()) for name, one in self.ranges.items()} | self.choices
        return [at_point(cell, "search", {n: x}) for n, values in ends.items() for x in values]


def space_of(plan: Plan, trials: int | None) -> Space:
    """The space that a plan writes down.

    Args:
        plan: The plan.
        trials: How many points to try, over what the plan says.
    """
    tree = plan.search
    if tree is None:
        raise ValueError("search needs a space: give the plan a section search with one.")
    if len(plan.cells) > 1 or plan.best_over:
        raise ValueError("search: a plan with a search has neither cells nor axes nor best_over.")
    for key in tree:
        if key not in KEYS:
            raise ValueError(f"search: there is no key {key}; there are {', '.join(KEYS)}.")
    space = tree.get("space")
    if not isinstance(space, Mapping) or not space:
        raise ValueError(
            f"search: space is {space!r}, but must hold ranges, such as "
            "'finetune.optim.epochs: [5, 9]'."
        )
    count = str(tree.get("trials", TRIALS)) if trials is None else str(trials)
    if not count.isdecimal() or count == "0":
        raise ValueError(f"search: trials is {count}, but must be a whole number of 1 or more.")
    lists = {
        name: values_of(value, f"search: {name}")
        for name, value in space.items()
        if isinstance(value, list)
    }
    others = {name: _range(value, name) for name, value in space.items() if name not in lists}
    return Space(ranges=others, choices=lists, trials=int(count), direction=plan.direction)


def at_point(cell: Cell, name: str, point: Mapping[str, str]) -> Cell:
    """A cell with the values of a point of the space."""
    steps: dict[str, Tree] = {step: dict(tree) for step, tree in cell.steps.items()}
    for option, value in point.items():
        step, _, rest = option.partition(".")
        if step not in steps or not rest:
            raise ValueError(f"search: {option} must be STEP.OPTION, with a step of the plan.")
        steps[step][rest] = value
    return Cell(name=name, steps=steps, common=cell.common, at=dict(point))


def _range(value: Any, name: str) -> Range:
    if not isinstance(value, Mapping) or not {"low", "high"} <= set(value) <= set(RANGE_KEYS):
        raise ValueError(
            f"search: {name} is {value!r}, but must be a list of values, or have low and high "
            "(and log)."
        )
    try:
        low, high = float(value["low"]), float(value["high"])
    except (TypeError, ValueError):
        raise ValueError(
            f"search: low and high of {name} are {value['low']!r} and {value['high']!r}, but must "
            "be numbers."
        ) from None
    log = yes(value.get("log", "false"), f"search: log of {name}")
    if not low < high or (log and low <= 0):
        above = "above 0 and " if log else ""
        raise ValueError(
            f"search: low of {name} is {value['low']}, but must be {above}below its high of "
            f"{value['high']}."
        )
    whole = all(str(value[end]).lstrip("-").isdigit() for end in ("low", "high"))
    return Range(low=low, high=high, log=log, whole=whole)
