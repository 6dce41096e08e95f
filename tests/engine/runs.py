"""Short runs of toys, and what they leave."""

import json
from pathlib import Path
from typing import Any

from torch.testing import assert_close
from toys import ToyFeed, ToyTask

from fcmae.checkpoint import store
from fcmae.engine.fit import Outcome, fit
from fcmae.engine.options import Run
from fcmae.optim.options import Optim


def options(**changes: Any) -> Optim:
    """Two epochs of four steps."""
    values: dict[str, Any] = {
        "batch_size": 6, "epochs": 2, "warmup_epochs": 0.5, "base_lr": 0.2, "ema": 0.9,
        "clip_grad": 1.0,
    }  # fmt: skip
    return Optim(**(values | changes))


def run_options(**changes: Any) -> Run:
    return Run(**({"device": "cpu", "log_every": 1} | changes))


def train(out: Path, **changes: Any) -> Outcome:
    """A run of the toy task; give what differs."""
    values: dict[str, Any] = {"optim": options(), "run": run_options(), "out": out}
    task = changes.pop("task", None) or ToyTask()
    feed = changes.pop("feed", None) or ToyFeed()
    return fit(task, feed, **(values | changes))


def newest(out: Path) -> store.Saved:
    saved = store.newest_intact(out / "checkpoints").newest
    assert saved is not None
    return saved


def assert_same_state(one: Path, other: Path) -> None:
    """Every tensor of both newest checkpoints is equal to the last bit."""
    first, second = newest(one), newest(other)
    assert first.step == second.step
    for part in ("model", "ema", "optimizer"):
        assert_close(first.tensors(part), second.tensors(part), rtol=0, atol=0)
        assert first.tensors(part)
    assert {k: v for k, v in first.facts.items() if k != "options"} == {
        k: v for k, v in second.facts.items() if k != "options"
    }


MEASURED = ("images_per_s", "data_wait")


def lines(out: Path) -> list[dict[str, Any]]:
    """The lines of metrics.jsonl, without what a clock measured."""
    text = (out / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in MEASURED} for line in text]
