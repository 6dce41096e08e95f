"""Computing the steps of a plan: in order, as many at a time as there are places."""

import json
import shlex
import signal
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from fcmae.ablation.commands import Commands
from fcmae.ablation.folder import PlanFolder
from fcmae.ablation.launch import Launcher, passing_on_signals
from fcmae.ablation.steps import PlanStep, Setting, unique
from fcmae.errors import DistributedError, FcmaeError, Interrupted

TAIL_BYTES = 20_000
MARK = "fcmae: "
"""With which the line begins that a command ends with when it fails."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A step that could not be computed.

    Attributes:
        setting: The cell that it is of, or one of them.
        step: Its name.
        reason: The line that its command ended with.
        log: All that it said.
    """

    setting: str
    step: str
    reason: str
    log: Path

    def __str__(self) -> str:
        return f"{self.setting}: {self.step} failed: {self.reason} (log: {self.log})"


@dataclass(kw_only=True)
class Runner:
    """Computes what is not computed yet.

    Attributes:
        folder: Where everything is.
        commands: How to run a command.
        launcher: Where to run it.
        tell: Says a line to the user.
    """

    folder: PlanFolder
    commands: Commands
    launcher: Launcher
    tell: Callable[[str], None]
    failures: dict[str, Failure] = field(default_factory=dict)
    signals: list[int] = field(default_factory=list)

    def run(self, settings: Sequence[Setting]) -> None:
        """Compute every step of these settings that can be; failures are kept.

        Raises:
            Interrupted: A signal asked to stop; the running steps have saved and stopped.
        """
        waiting = [step for step in unique(settings) if self.folder.done(step) is None]
        total = len(waiting)
        for again in waiting:
            self.failures.pop(again.key, None)
        self._of = {step.key: s.name for s in reversed(settings) for step in s.steps}
        places = list(range(self.launcher.places))[::-1]
        running: dict[Future[None], tuple[PlanStep, int]] = {}
        with (
            passing_on_signals(self.launcher) as self.signals,
            ThreadPoolExecutor(self.launcher.places) as pool,
        ):
            while True:
                while places and not self.signals and (step := self._next(waiting, running)):
                    place = places.pop()
                    self.tell(f"[{total - len(waiting)}/{total}] {self._of[step.key]}: {step.name}")
                    running[pool.submit(self._compute, step, place)] = step, place
                if not running:
                    break
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    _, place = running.pop(future)
                    places.append(place)
                    future.result()
        if self.signals:
            name = signal.Signals(self.signals[0]).name
            raise Interrupted(
                f"{name}: stopped; the running steps have saved. The same command goes on from "
                "there.",
                signal_number=self.signals[0],
            )

    def _next(
        self, waiting: list[PlanStep], running: dict[Future[None], tuple[PlanStep, int]]
    ) -> PlanStep | None:
        """Take the first step that nothing keeps waiting; those that never can be are failures."""
        pending = {step.key for step in waiting} | {step.key for step, _ in running.values()}
        for step in list(waiting):
            start = step.start
            if start is not None and start.key in self.failures:
                waiting.remove(step)
                self._fail(step, f"it starts from {start.name}, which failed")
            elif start is None or start.key not in pending:
                waiting.remove(step)
                return step
        return None

    def _compute(self, step: PlanStep, place: int) -> None:
        """Run a step's command and record what came of it."""
        folder = self.folder.step(step)
        try:
            resumed = self.folder.begin(step)
            line = self.commands.line(step.command, self._words(step))
            with self.folder.log(step).open("a", encoding="utf-8") as log:
                log.write(f"$ {shlex.join(line)}\n")
            started_at = time.monotonic()
            code = self.launcher.run(line, folder, self.folder.log(step), place)
            if code == 0:
                result = json.loads(self.folder.told(step).read_text(encoding="utf-8"))
                self.folder.finish(step, result, time.monotonic() - started_at, resumed)
            elif not self.signals:
                self._fail(step, _reason(code, self.folder.log(step)))
        except (FcmaeError, OSError, ValueError) as error:
            self._fail(step, str(error))

    def _words(self, step: PlanStep) -> list[str]:
        words = ["--config", str(self.folder.config(step)), "--json", str(self.folder.told(step))]
        if step.takes_out:
            words += ["--out", str(self.folder.step(step))]
        if step.start is not None:
            words += ["--weights", str(self.folder.step(step.start))]
        return words

    def _fail(self, step: PlanStep, reason: str) -> None:
        failure = Failure(
            setting=self._of[step.key], step=step.name, reason=reason, log=self.folder.log(step)
        )
        self.failures[step.key] = failure
        self.tell(str(failure))

    def answer(self) -> None:
        """Say in one line that not everything could be done.

        Raises:
            DistributedError: Something failed.
        """
        if self.failures:
            first = next(iter(self.failures.values()))
            raise DistributedError(
                f"{len(self.failures)} of the plan's steps failed, the rest is done; the first: "
                f"{first} The same command tries them again."
            )


def _reason(code: int, log: Path) -> str:
    """Why a command ended, in one line: what it said last, or the signal that ended it."""
    if code < 0:
        name = signal.Signals(-code).name
        hint = "; often the system's memory ran out" if -code == signal.SIGKILL else ""
        return f"it was ended by {name}{hint}."
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    told = [line for line in lines if line.startswith(MARK)] or [line for line in lines if line]
    return told[-1].removeprefix(MARK) if told else f"it ended with code {code}."
