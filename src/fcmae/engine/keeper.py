"""Keeps a run: finds where it resumes, saves checkpoints, writes the final weights."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from torch import nn

from fcmae.checkpoint import store
from fcmae.checkpoint.header import read_card
from fcmae.checkpoint.manifest import FileEntry
from fcmae.checkpoint.staging import stage
from fcmae.checkpoint.tensors import Tensors
from fcmae.checkpoint.weights import metadata, save_weights
from fcmae.engine import resume
from fcmae.engine.folder import RunFolder
from fcmae.engine.learner import Learner
from fcmae.engine.options import Run
from fcmae.engine.records import (
    RecordKind,
    Records,
    add_environment,
    require_unfinished_or_empty,
    write_options,
)
from fcmae.engine.report import Reporter, RunPlan
from fcmae.engine.state import StateParts
from fcmae.errors import CheckpointError
from fcmae.files import durable

Which = Literal["weights", "weights_raw", "weights_best"]
PRIVATE = ("data", "val", "out", "weights", "config", "monitor")
"""Options that name places on the user's machine; weights files travel without them."""


@dataclass(frozen=True, kw_only=True)
class Best:
    """The best evaluation so far: its step, and the value of the metric that was to be highest."""

    step: int
    value: float


@dataclass(kw_only=True)
class Progress:
    """Progress of a run; all of its state that is not a tensor.

    Attributes:
        step: Optimizer steps done.
        evaluated: The step at which the evaluations were last seen to.
        metrics: Results of the evaluations so far, the newest of each.
        best: The best evaluation.
        scaler: State of float16's loss scaling.
    """

    step: int = 0
    evaluated: int = 0
    metrics: dict[str, float] = field(default_factory=dict)
    best: Best | None = None
    scaler: dict[str, Any] = field(default_factory=dict)

    def note(self, metrics: Mapping[str, float], best: str | None) -> bool:
        """Remember what was measured; whether the metric ``best`` was never as high."""
        self.metrics |= {name: value for name, value in metrics.items() if math.isfinite(value)}
        value = metrics.get(best or "", -math.inf)
        improved = math.isfinite(value) and value > (self.best.value if self.best else -math.inf)
        if improved:
            self.best = Best(step=self.step, value=value)
        return improved

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> "Progress":
        """The progress that a checkpoint recorded."""
        own = {each.name: facts[each.name] for each in fields(cls)}
        return cls(**own | {"best": Best(**own["best"]) if own["best"] else None})


class Keeper:
    """The leading process's hands in the run directory.

    Args:
        folder: The run directory.
        run: What to keep.
        identity: ``command``, ``options`` and ``data``, by which a checkpoint is known to belong
            to this run.
        meaning: What options mean, by which those of the checkpoint are compared with these.
        card: Facts for the weights files.
        reporter: Hears about damaged checkpoints.
    """

    def __init__(
        self,
        folder: RunFolder,
        *,
        run: Run,
        identity: Mapping[str, Any],
        meaning: resume.Meaning | None,
        card: Mapping[str, Any],
        reporter: Reporter,
    ) -> None:
        self.folder, self.run, self.identity = folder, run, identity
        self.meaning, self.card, self.reporter = meaning, card, reporter
        self._records: Records | None = None

    def begin(self) -> store.Saved | None:
        """The checkpoint to go on from, if any; what is damaged or unwanted is set aside."""
        root = self.folder.checkpoints
        if not self.run.resume:
            if former := self.folder.set_former_aside():
                self.reporter.message(f"Beginning anew; what was there is now in {former}.")
            return None
        if root.is_dir():
            store.clear_up(root)
        found = store.newest_intact(root)
        if found.newest is None:
            require_unfinished_or_empty(self.folder)
            return None
        resume.check_same_run(found.newest.facts, self.identity, self.meaning)
        for damaged in found.damaged:
            self.reporter.message(f"A checkpoint is damaged and was set aside: {damaged}.")
        store.set_aside(found.damaged)
        return found.newest

    def open(self, plan: RunPlan, progress: Progress, learner: Learner) -> None:
        """Make sure that the run can be kept to its end, and open its records."""
        metadata(learner.model, self.card)  # what cannot be described could not be saved
        held = len(store.checkpoints(self.folder.checkpoints))
        wanted = max(1, self.run.keep + 1 - held)
        durable.check_space(self.folder.root, wanted * learner.checkpoint_bytes())
        write_options(self.folder, self.identity["options"])
        add_environment(
            self.folder,
            command=self.identity["command"],
            step=progress.step,
            device=plan.device,
            processes=plan.processes,
        )
        self._records = Records(self.folder, step=progress.step, evaluated=progress.evaluated)

    def log(self, kind: RecordKind, metrics: Mapping[str, float]) -> None:
        """Record numbers; only the leading process has records."""
        if self._records is not None:
            self._records.log(kind, metrics)

    def close(self) -> None:
        """End the records."""
        if self._records is not None:
            self._records.close()

    def save(self, progress: Progress, parts: StateParts) -> None:
        """Save a checkpoint of whole tensors."""
        self._sync()
        store.save(self.folder.checkpoints, progress.step, parts, **self._about(progress))

    def stage(self, progress: Progress, num_bytes: int) -> Path:
        """Make room for a checkpoint that all processes write."""
        self._sync()
        return stage(self.folder.checkpoints, progress.step, num_bytes)

    def seal(self, staging: Path, progress: Progress, shards: Mapping[str, FileEntry]) -> None:
        """Make it a checkpoint, once all shards are there."""
        store.seal(staging, progress.step, shards=shards, **self._about(progress))

    def has_result(self) -> bool:
        """True if the final weights are there, as long as their header says."""
        try:
            read_card(self.folder.weights)
        except CheckpointError:
            return False
        return True

    def write(
        self, which: Which, model: nn.Module, progress: Progress, kind: str, tensors: Tensors
    ) -> None:
        """Write weights for use.

        Args:
            which: A file of the run's folder.
            model: Says what is in it.
            progress: Goes into its card.
            kind: What the weights are: trained, or their average.
            tensors: The weights.
        """
        options = {k: v for k, v in self.identity["options"].items() if k not in PRIVATE}
        facts = {
            "weights": kind,
            "step": progress.step,
            "metrics": progress.metrics,
            "options": options,
        }
        save_weights(getattr(self.folder, which), model, {**facts, **self.card}, tensors)

    def _sync(self) -> None:
        if self._records is not None:
            self._records.sync()

    def _about(self, progress: Progress) -> dict[str, Any]:
        """Facts that a checkpoint holds beside its tensors, and which others are kept."""
        return {
            "facts": {**asdict(progress), **self.identity},
            "keep": self.run.keep,
            "best": progress.best.step if progress.best else None,
        }
