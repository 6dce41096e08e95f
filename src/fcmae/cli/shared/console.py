"""Shows progress on standard error."""

import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sized
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console as Terminal
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from fcmae.engine.rank_env import leads
from fcmae.engine.report import RunPlan

LINE_EVERY_S = 30.0
"""Seconds between two lines of progress where there is no terminal to draw a bar on."""

Item = TypeVar("Item")


class Console:
    """A line for each epoch; between them a bar on a terminal, elsewhere a plain line now and then.

    Args:
        terminal: Where to write; by default standard error, of the leading process alone.
        line_every_s: Seconds between two plain lines.
        details: Whether to tell what a run is about to do, with its parameter groups, and of each
            epoch that it is done.
    """

    def __init__(
        self,
        terminal: Terminal | None = None,
        *,
        line_every_s: float = LINE_EVERY_S,
        details: bool = True,
    ) -> None:
        self._details = details
        self._terminal = terminal or Terminal(stderr=True, quiet=not leads())
        self._line_every_s = line_every_s
        self._progress: Progress | None = None
        self._plan: RunPlan | None = None
        self._started_at = self._spoke_at = 0.0

    def brief(self) -> "Console":
        """The same without details, for one of many runs."""
        return Console(self._terminal, line_every_s=self._line_every_s, details=False)

    def start(self, plan: RunPlan) -> None:
        """Say what a run is about to do and begin its bar."""
        self.finish()
        self._plan = plan
        self._started_at = self._spoke_at = time.monotonic()
        if self._details:
            self.message(str(plan))
            self.message("\n".join(f"  {line}" for line in plan.groups.splitlines()))
        if self._terminal.is_terminal:
            self._progress = Progress(
                MofNCompleteColumn(),
                BarColumn(bar_width=None),
                TextColumn("{task.fields[state]}"),
                TimeRemainingColumn(compact=True),
                console=self._terminal,
                transient=True,
            )
            self._progress.add_task(
                "step", total=plan.steps, completed=plan.first_step, state="reading images"
            )
            self._progress.start()

    def step(self, metrics: Mapping[str, float]) -> None:
        """Move the bar, or write a line: at the end of an epoch, or if the last was long ago."""
        if self._plan is None:
            return
        done, plan = int(metrics["step"]), self._plan
        if self._progress is not None:
            self._progress.update(self._progress.task_ids[0], completed=done, state=state(metrics))
        if self._details and done % plan.steps_per_epoch == 0:
            self._spoke_at = time.monotonic()
            numbers = {name: x for name, x in metrics.items() if name != "epoch"}
            self.message(f"epoch {done // plan.steps_per_epoch}  {state(numbers)}")
        elif self._progress is None and time.monotonic() - self._spoke_at >= self._line_every_s:
            self._spoke_at = time.monotonic()
            pace = (self._spoke_at - self._started_at) / max(1, done - plan.first_step)
            left = datetime.timedelta(seconds=round(pace * (plan.steps - done)))
            self.message(f"step {done}/{plan.steps}  {state(metrics)}  {left} left")

    def evaluated(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Write a line of what was measured."""
        if metrics:
            shown = {name: x for name, x in metrics.items() if "/block_" not in name}
            found = "  ".join(f"{name} {value:.4g}" for name, value in shown.items())
            self.message(f"epoch {epoch}  {found}")

    def message(self, text: str) -> None:
        """Write a line above the bar."""
        self._terminal.print(Text(text), soft_wrap=True)

    def finish(self) -> None:
        """Take the bar away."""
        if self._progress is not None:
            self._progress.stop()
        self._progress = self._plan = None

    def track(self, items: Iterable[Item], what: str, total: int) -> Iterator[Item]:
        """Pass items on under a bar; a batch counts for as many as it holds."""
        with self.counting(what, total) as count:
            for item in items:
                yield item
                count(len(item) if isinstance(item, Sized) else 1)

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar to advance by a number of things done; without a terminal, nothing."""
        if self._progress is not None or not self._terminal.is_terminal:
            yield lambda number: None
            return
        columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._terminal, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda number: bar.advance(task, number)


def state(metrics: Mapping[str, float]) -> str:
    """The numbers of a step on one line."""
    words = {
        "epoch": "epoch {:.1f}",
        "loss": "loss {:.4f}",
        "lr": "lr {:.1e}",
        "images_per_s": "{:.0f} images/s",
        "data_wait": "{:.0%} data wait",
    }
    return "  ".join(form.format(metrics[name]) for name, form in words.items() if name in metrics)
