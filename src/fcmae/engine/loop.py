"""The training loop, to be read from ``Loop.train`` down: a step, then an epoch, then both ends.

What makes a run resume bit for bit: everything is a function of the number of steps done. The
learning rate, the images of a step, their augmentation and masks, and the states of the random
generators are derived from (seed, step); only weights, moments and averages are saved.
"""

import signal
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from lightning_fabric import Fabric

from fcmae.data.batch import Batch
from fcmae.engine import devices, saving
from fcmae.engine.feed import TrainingFeed
from fcmae.engine.keeper import Best, Keeper, Progress
from fcmae.engine.learner import Learner
from fcmae.engine.meter import Meter
from fcmae.engine.options import Run
from fcmae.engine.rank_zero import on_leader
from fcmae.engine.report import Reporter, RunPlan
from fcmae.engine.signals import StopFlag
from fcmae.engine.step_sync import Pass, blame, sync_step
from fcmae.errors import Interrupted, NonFiniteError
from fcmae.kernels import choice
from fcmae.optim.groups import group_table
from fcmae.optim.options import Optim
from fcmae.optim.schedule import learning_rate
from fcmae.randomness import seed_everything
from fcmae.task import Evaluation, Task


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Result of a finished run.

    Attributes:
        steps: Optimizer steps.
        epochs: Passes over the images.
        metrics: The last loss and the newest result of each evaluation.
        weights: The final weights, averaged where the run averages.
        best: The best evaluation, where one was asked for.
    """

    steps: int
    epochs: int
    metrics: dict[str, float]
    weights: Path
    best: Best | None = None


@dataclass(kw_only=True)
class Loop:
    """One process's part of a run."""

    fabric: Fabric
    task: Task
    feed: TrainingFeed
    optim: Optim
    run: Run
    evaluations: Sequence[Evaluation]
    best: str | None
    keeper: Keeper
    reporter: Reporter
    stop: StopFlag

    def __post_init__(self) -> None:
        fabric, optim, run = self.fabric, self.optim, self.run
        self.steps_per_epoch = self.feed.steps_per_epoch(optim.batch_size)
        self.steps = optim.epochs * self.steps_per_epoch
        self.share = devices.share_of_batch(fabric, optim.batch_size)
        self.micro_batch = min(run.micro_batch or self.share, self.share)

        names = [evaluation.name for evaluation in self.evaluations]
        if self.best is not None and self.best.split("/")[0] not in names:
            raise ValueError(f"best is {self.best!r}, but the evaluations are {names}.")

        saved = on_leader(fabric, self.keeper.begin)
        self.progress = Progress()
        self.learner = Learner(fabric, self.task, optim, run, evaluates=bool(self.evaluations))
        if saved is not None:
            self.progress = Progress.of(saved.facts)
            self.learner.restore(saved)
        self.unusable: set[str] = set()
        self.meter = Meter()

    def train(self) -> Outcome:
        """The whole run, or what is left of it."""
        if self.progress.evaluated == self.steps:
            self.reporter.message("This run is finished already.")
        else:
            self.start()
            # A signal may have come between the last step of an epoch and its evaluations.
            if self.at_epoch_end() and self.progress.evaluated < self.progress.step:
                self.end_epoch()
            for batches in self.steps_left():
                metrics, stopping = self.take_step(batches)
                self.progress.step += 1
                self.tell(metrics)
                if stopping:
                    self.interrupt()
                if self.at_epoch_end():
                    self.end_epoch()
        return self.finish()

    # The life of a step, in order.

    def steps_left(self) -> Iterator[Iterator[Batch]]:
        """The micro-batches of each step that is still to be done."""
        batches = self.feed.batches(
            first_step=self.progress.step,
            last_step=self.steps,
            batch_size=self.optim.batch_size,
            micro_batch=self.micro_batch,
            rank=self.fabric.global_rank,
            world=self.fabric.world_size,
            pin_memory=self.fabric.device.type == "cuda",
        )
        micro_batches = -(-self.share // self.micro_batch)
        try:
            for _ in range(self.progress.step, self.steps):
                yield self.meter.waiting_for(islice(batches, micro_batches))
        finally:
            if isinstance(batches, Generator):
                batches.close()  # ends the loader's processes, also after an error

    def take_step(self, batches: Iterator[Batch]) -> tuple[dict[str, float], bool]:
        """One optimizer step: its numbers, and whether a signal asks to stop after it."""
        learner = self.learner
        rate = learning_rate(self.optim, self.progress.step, self.steps_per_epoch)
        self.task.before_step(self.progress.step, self.steps, devices.peers(self.fabric))
        passes = [self.accumulate(micro, batch) for micro, batch in enumerate(batches)]
        norm = learner.gradient_norm()
        stop, forgiving = self.stop.signal_number is not None, learner.may_overflow()
        agreed = sync_step(self.fabric, passes, norm, stop=stop, forgiving=forgiving)
        if agreed.broken:
            raise NonFiniteError(
                f"step {self.progress.step + 1}: {blame(self.fabric, passes, agreed)}. The weights "
                "were not changed and nothing was saved; checkpoints are as they were. Look at "
                "those images, lower optim.base_lr, set optim.clip_grad, or use run.precision "
                "float32."
            )
        learner.update(rate, norm)
        return {"lr": rate, **agreed.numbers}, agreed.stop

    def accumulate(self, micro: int, batch: Batch) -> Pass:
        """Forward and backward of one micro-batch."""
        self.warn_of(batch.unusable, "another takes its place")
        seed_everything(self.run.seed, "step", self.progress.step, micro, self.fabric.global_rank)
        loss, logs = self.learner.loss(
            batch,
            weight=len(batch) / self.share,
            last=(micro + 1) * self.micro_batch >= self.share,
        )
        return Pass(indices=batch.indices, loss=loss, logs=logs)

    def tell(self, metrics: dict[str, float]) -> None:
        """Show the numbers of a step, and record those of every few."""
        step = self.progress.step
        self.meter.images += self.optim.batch_size
        place = {"step": float(step), "epoch": step / self.steps_per_epoch}
        metrics = {**place, **metrics, **self.meter.rates()}
        self.reporter.step(metrics)
        if remark := self.task.after_step(step, metrics):
            self.reporter.message(remark)
        if step % self.run.log_every == 0 or step == self.steps:
            self.keeper.log("train", metrics)
            self.meter = Meter()
        self.progress.metrics["loss"] = metrics["loss"]

    def warn_of(self, unusable: Iterable[tuple[str, str]], instead: str) -> None:
        """Name each file that cannot be used once, and what is done instead."""
        for path, reason in unusable:
            if path not in self.unusable:
                self.unusable.add(path)
                self.reporter.message(f"{path} cannot be used ({reason}): {instead}.")

    def interrupt(self) -> None:
        """End the run after a finished step because a signal asked to."""
        self.save()
        done = f"step {self.progress.step:,} of {self.steps:,}"
        number = self.stop.signal_number or signal.SIGTERM  # it may have reached another process
        raise Interrupted(
            f"{signal.Signals(number).name}: stopped after {done}, which is saved. "
            "The same command goes on from there.",
            signal_number=number,
        )

    # The life of an epoch.

    def at_epoch_end(self) -> bool:
        """True if the last step was the last of an epoch."""
        return self.progress.step % self.steps_per_epoch == 0

    def end_epoch(self) -> None:
        """Evaluate and save, where it is time for either."""
        epoch = self.progress.step // self.steps_per_epoch
        last = self.progress.step == self.steps
        due = [e for e in self.evaluations if last or epoch % e.every == 0]
        saves = last or epoch % self.run.checkpoint_every == 0
        improved = self.evaluate(epoch, due, saves=saves) if due else False
        self.progress.evaluated = self.progress.step
        if saves or improved:
            self.save(improved=improved)
        self.meter = Meter()

    def evaluate(self, epoch: int, due: Sequence[Evaluation], *, saves: bool) -> bool:
        """Run evaluations; whether the metric asked for was never as high.

        Args:
            epoch: How many epochs are done.
            due: What to measure; an error of theirs costs no steps.
            saves: Whether a checkpoint is due afterwards.
        """
        metrics: dict[str, float] = {}
        peers, pictures = devices.peers(self.fabric), self.keeper.folder.pictures
        kept = saving.steps_kept(self.fabric, self.keeper, self.progress, self.learner, due=saves)
        with kept, self.learner.evaluated_model() as model:
            for evaluation in due:
                seed_everything(self.run.seed, f"evaluation {evaluation.name}", epoch)
                numbers = evaluation(model, peers, pictures, epoch)
                self.warn_of(evaluation.unusable, f"{evaluation.name} is measured without it")
                for remark in evaluation.remarks:
                    self.reporter.message(remark)
                metrics |= {f"{evaluation.name}/{name}": x for name, x in numbers.items()}
        place = {"step": float(self.progress.step), "epoch": float(epoch)}
        self.keeper.log("evaluation", {**place, **metrics})
        self.reporter.evaluated(epoch, metrics)
        return self.progress.note(metrics, self.best)

    def save(self, *, improved: bool = False) -> None:
        """Save a checkpoint, and the weights where they are the best so far.

        The weights first: a run that is killed in between measures the same step again.
        """
        if improved:
            saving.export_best(self.fabric, self.keeper, self.progress, self.learner)
        saving.save(self.fabric, self.keeper, self.progress, self.learner)

    # The two ends of a run.

    def start(self) -> None:
        """Open the records and say what is about to happen."""
        fabric, step = self.fabric, self.progress.step
        kind = fabric.device.type
        plan = RunPlan(
            first_step=step,
            steps=self.steps,
            steps_per_epoch=self.steps_per_epoch,
            epochs=self.optim.epochs,
            images=self.feed.num_images,
            batch_size=self.optim.batch_size,
            micro_batch=self.micro_batch,
            processes=fabric.world_size,
            device=devices.device_name(fabric),
            precision=devices.precision(self.run, kind),
            kernels=choice.describe(kind),
            peak_lr=self.optim.peak_lr,
            parameters=sum(p.numel() for p in self.learner.parameters),
            groups=group_table(self.learner.groups),
        )

        on_leader(fabric, lambda: self.keeper.open(plan, self.progress, self.learner))
        self.reporter.start(plan)

    def finish(self) -> Outcome:
        """Write the final weights, unless they are there, and say what has come of it all."""
        keeper, progress = self.keeper, self.progress
        if not on_leader(self.fabric, keeper.has_result):
            saving.export(self.fabric, keeper, progress, self.learner)
        return Outcome(
            steps=self.steps,
            epochs=self.optim.epochs,
            metrics=dict(progress.metrics),
            weights=keeper.folder.weights,
            best=progress.best,
        )

    def close(self) -> None:
        """End the records and the reporter, however the run went."""
        self.keeper.close()
        self.reporter.finish()
