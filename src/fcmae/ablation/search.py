"""Search over a space of options: points that Optuna proposes, kept in the plan's folder."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

from fcmae.ablation.plan import Cell
from fcmae.ablation.space import Space, at_point
from fcmae.randomness import integer

STUDY = "plan"
Compute = Callable[[Sequence[Cell]], Mapping[str, float | None]]
"""Computes cells and gives the number of each; None for one that failed."""


def search(
    cell: Cell, space: Space, storage: Path, compute: Compute, *, seed: int, width: int
) -> list[Cell]:
    """Try points until there are as many as asked for; what was begun before is finished first.

    A point whose cell failed stays open, so that the same command tries it again.

    Args:
        cell: What the values of a point are laid over.
        space: Where the points lie.
        storage: File for what was tried.
        compute: What a point is worth.
        seed: Draws the points.
        width: Points to propose at a time.

    Returns:
        All points as cells.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{storage}",
        study_name=STUDY,
        direction=space.direction,
        load_if_exists=True,
    )
    kinds = _distributions(space)
    begun = [trial for trial in study.trials if trial.state == TrialState.RUNNING]
    for trial in begun:
        if trial.params.keys() != kinds.keys():  # killed while it was being proposed
            study.tell(trial.number, state=TrialState.FAIL)
    todo = {t.number: t.params for t in begun if t.params.keys() == kinds.keys()}
    while True:
        _try(study, todo, cell, space, compute)
        known = [t for t in study.trials if t.params.keys() == kinds.keys()]
        left = space.trials - len(known)
        if left <= 0:
            return [_cell(cell, space, t.number, t.params) for t in known]
        todo = {}
        for _ in range(min(width, left)):
            number = len(study.trials)
            study.sampler = optuna.samplers.TPESampler(seed=integer(seed, "search", number) % 2**32)
            trial_asked = study.ask(fixed_distributions=kinds)
            todo[trial_asked.number] = trial_asked.params


def _try(
    study: optuna.Study,
    todo: Mapping[int, Mapping[str, Any]],
    cell: Cell,
    space: Space,
    compute: Compute,
) -> None:
    cells = {number: _cell(cell, space, number, params) for number, params in todo.items()}
    values = compute(list(cells.values())) if cells else {}
    for number, one in cells.items():
        value = values[one.name]
        if value is not None:
            study.tell(number, value)


def _cell(cell: Cell, space: Space, number: int, params: Mapping[str, Any]) -> Cell:
    texts = {
        name: space.ranges[name].text(value) if name in space.ranges else str(value)
        for name, value in params.items()
    }
    return at_point(cell, f"trial-{number:04d}", texts)


def _distributions(space: Space) -> dict[str, BaseDistribution]:
    kinds: dict[str, BaseDistribution] = {
        name: CategoricalDistribution(values) for name, values in space.choices.items()
    }
    for name, one in space.ranges.items():
        if one.whole:
            kinds[name] = IntDistribution(round(one.low), round(one.high), log=one.log)
        else:
            kinds[name] = FloatDistribution(one.low, one.high, log=one.log)
    return kinds
