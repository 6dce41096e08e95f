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
ComputeCells = Callable[[Sequence[Cell]], Mapping[str, float | None]]
"""Computes cells and gives the number of each; None for one that failed."""


def search(
    cell: Cell, space: Space, storage: Path, compute: ComputeCells, *, seed: int, width: int
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
    study = _study(storage, space.direction)
    kinds = _distributions(space)
    for trial in study.trials:
        if trial.state == TrialState.RUNNING and trial.params.keys() != kinds.keys():
            study.tell(trial.number, state=TrialState.FAIL)  # killed while it was being proposed
    tried: set[int] = set()
    while True:
        known = [trial for trial in study.trials if trial.params.keys() == kinds.keys()]
        cells = [_cell(cell, space, i, trial.params) for i, trial in enumerate(known)]
        todo = {
            trial.number: one
            for trial, one in zip(known, cells, strict=True)
            if trial.state == TrialState.RUNNING and trial.number not in tried
        }
        if todo:
            values = compute(list(todo.values()))
            for number, one in todo.items():
                if (value := values[one.name]) is not None:
                    study.tell(number, value)
            tried |= todo.keys()
        elif len(known) < space.trials:
            for place in range(len(known), min(space.trials, len(known) + width)):
                _propose(study, kinds, integer(seed, "search", place))
        else:
            return cells


def _study(file: Path, direction: str) -> optuna.Study:
    """The study in a file.

    It is made under another name first: a file whose tables were half made when its process was
    killed would be taken for whole.
    """
    if not file.exists():
        new = file.with_name(f"{file.name}.new")
        new.unlink(missing_ok=True)
        storage = optuna.storages.RDBStorage(f"sqlite:///{new}")
        optuna.create_study(
            storage=storage,
            study_name=STUDY,
            direction=optuna.study.StudyDirection[direction.upper()],
        )
        storage.engine.dispose()
        new.rename(file)
    return optuna.load_study(storage=f"sqlite:///{file}", study_name=STUDY)


def _propose(study: optuna.Study, kinds: dict[str, BaseDistribution], drawn: int) -> None:
    """Add a point that depends on those before it and on one derived draw, on no saved state."""
    study.sampler = optuna.samplers.TPESampler(seed=drawn % 2**32)
    study.ask(fixed_distributions=kinds)


def _cell(cell: Cell, space: Space, place: int, params: Mapping[str, Any]) -> Cell:
    texts = {
        name: space.ranges[name].text(float(value)) if name in space.ranges else str(value)
        for name, value in params.items()
    }
    return at_point(cell, f"trial-{place:04d}", texts)


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
