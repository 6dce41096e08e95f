"""A training command around the loop: what all of them hand to it, and what they read back."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fcmae.engine.feed import Feed
from fcmae.engine.fit import fit
from fcmae.engine.loop import Outcome
from fcmae.engine.report import Reporter
from fcmae.options.fields import nested
from fcmae.task import Evaluation, Task
from fcmae.training.meaning import meaning_of
from fcmae.training.resolved_options import Start, Training


def fit_with(
    options: Training,
    task: Task,
    feed: Feed,
    *,
    evaluations: Sequence[Evaluation],
    start: Start,
    card: Mapping[str, Any],
    reporter: Reporter,
    best: str | None = None,
) -> Outcome:
    """Train as a command's options say, all of which the run goes by when it is resumed.

    Args:
        options: The command's.
        task: The model and what one step means.
        feed: The images.
        evaluations: What to measure at intervals.
        start: What this start of the command has come to, which tells what options leave open.
        card: Facts that the weights files carry.
        reporter: Shows the progress.
        best: The metric by which the best weights are kept.
    """
    return fit(
        task,
        feed,
        optim=options.optim,
        run=options.run,
        out=options.out,
        evaluations=evaluations,
        record=nested(options),
        meaning=meaning_of(type(options), start),
        card=card,
        reporter=reporter,
        best=best,
    )


def last_measured(out: Path, name: str) -> dict[str, Any]:
    """What the last evaluation wrote into a file of the run, with its tables."""
    found: dict[str, Any] = json.loads((out / name).read_text(encoding="utf-8"))
    return found
