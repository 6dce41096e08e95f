"""Training from the outside: one function that begins a run, goes on with it, or finds it done."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fcmae.engine import devices
from fcmae.engine.check_task import check_others, check_task
from fcmae.engine.feed import TrainingFeed
from fcmae.engine.folder import RunFolder
from fcmae.engine.keeper import Keeper
from fcmae.engine.lock import hold
from fcmae.engine.loop import Loop, Outcome
from fcmae.engine.memory import spared_by_the_collector
from fcmae.engine.options import Run
from fcmae.engine.report import Reporter, Silent
from fcmae.engine.resume import Meaning
from fcmae.engine.signals import stop_flag
from fcmae.errors import in_users_words
from fcmae.optim.options import Optim
from fcmae.options.group import options_from
from fcmae.task import Evaluation, Task


def fit(
    task: Task,
    feed: TrainingFeed,
    *,
    optim: Optim | Mapping[str, Any],
    out: str | Path,
    run: Run | Mapping[str, Any] | None = None,
    command: str = "",
    evaluations: Sequence[Evaluation] = (),
    record: Mapping[str, Any] | None = None,
    meaning: Meaning | None = None,
    card: Mapping[str, Any] | None = None,
    reporter: Reporter | None = None,
    best: str | None = None,
) -> Outcome:
    """Train ``task.model`` on the images of a feed, or go on where the same run was stopped.

    The model may be any ``torch.nn.Module``. What is not of fcmae is saved whole with its weights;
    ``fcmae.load`` and ``fcmae.register`` tell how it is loaded.

    Args:
        task: The model and what one step means.
        feed: The images, such as those of ``fcmae.Feed``.
        optim: Optimizer, schedule, batch size, epochs: a dataclass or a mapping.
        out: The run directory; see ``folder.RunFolder`` for what it will hold.
        run: Seed, devices, precision, checkpoints: a dataclass or a mapping.
        command: The command that makes the run, such as ``finetune segment``; the run records it,
            and no other may go on with it.
        evaluations: What to measure at intervals.
        record: Further options of the run; a run may only go on with those that mean the same.
        meaning: Makes the values that two runs go by, by dotted name, of the options they recorded,
            also where a version lacked one. Without it, options mean what they say.
        card: Facts that the weights files should carry, such as the names of the classes.
        reporter: Shows the progress.
        best: A metric (``evaluation/number``); the checkpoint and weights where it was highest are
            kept.

    Raises:
        Interrupted: A signal asked to stop; the last step is saved.
        NonFiniteError: The loss or a gradient is not finite; the optimizer did not step.
        StorageError: The directory is in use, full or not writable.
        CheckpointError: The directory's run cannot go on like this.
        ValueError: An argument is none of its kind, an option is wrong, or the task has no model
            that could be trained and saved.
    """
    reporter, out = reporter or Silent(), Path(out)
    run, optim = options_from(Run, run, "run"), options_from(Optim, optim, "optim")
    check_task(task)
    check_others(feed, evaluations, reporter)
    with hold(out), in_users_words(devices.full(run)), stop_flag(reporter.finish) as stop:
        fabric = devices.launch(run)
        speaker = reporter if fabric.is_global_zero else Silent()
        options = {**(record or {}), "optim": asdict(optim), "run": asdict(run)}
        keeper = Keeper(
            RunFolder(out),
            run=run,
            identity={
                "command": command,
                "options": json.loads(json.dumps(options, default=str)),
                "data": {"fingerprint": feed.fingerprint, "images": feed.num_images},
            },
            meaning=meaning,
            card=card or {},
            reporter=speaker,
        )
        loop = Loop(
            fabric=fabric,
            task=task,
            feed=feed,
            optim=optim,
            run=run,
            evaluations=evaluations,
            best=best,
            keeper=keeper,
            reporter=speaker,
            stop=stop,
        )
        try:
            with spared_by_the_collector():
                return loop.train()
        finally:
            loop.close()
