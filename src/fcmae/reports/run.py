"""Record of a run, as its folder tells it."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Number = int | float
"""As JSON has them: a whole number stays one."""

LARGEST = sys.float_info.max

Line = dict[str, Any]
"""A line of the metrics: ``step``, ``epoch`` and numbers by name; what was not finite is None."""


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run's records, whole or in parts.

    Attributes:
        root: Folder of the run.
        name: What the page calls it; no two runs of a page have the same name.
        options: The resolved options, nested.
        steps: Lines of training.
        evaluations: Lines of the evaluations.
        starts: Versions and devices of each start of the run.
        results: Newest table per class, with the numbers beside it.
        finished: Whether the run came to its end.
        missing: What is not there or damaged, a sentence each.
        task: The command that made it, such as ``finetune classify``; empty for runs of versions
            that did not record it.
        command: Command line that makes the run again; empty if it is not known.
        model: Name of the encoder's size; empty if it is not known.
        parameters: Numbers in the weights; None before there are any.
    """

    root: Path
    name: str
    options: dict[str, Any] = field(default_factory=dict)
    steps: list[Line] = field(default_factory=list)
    evaluations: list[Line] = field(default_factory=list)
    starts: list[dict[str, Any]] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    finished: bool = False
    missing: list[str] = field(default_factory=list)
    task: str = ""
    command: str = ""
    model: str = ""
    parameters: int | None = None

    @property
    def epoch(self) -> Number:
        """Epochs done so far."""
        return max((number(line.get("epoch")) or 0 for line in self.lines), default=0)

    @property
    def lines(self) -> list[Line]:
        """All lines of the metrics."""
        return [*self.steps, *self.evaluations]

    @property
    def flat_options(self) -> dict[str, Any]:
        """The options by dotted name."""
        return flat(self.options)


def number(value: Any) -> Number | None:
    """A value of the metrics if it is a number that can be drawn."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return value if abs(value) <= LARGEST else None


def flat(options: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested options by dotted name."""
    found: dict[str, Any] = {}
    for name, value in options.items():
        if isinstance(value, dict):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found
