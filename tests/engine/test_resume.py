import json
import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from runs import assert_same_state, lines, newest, options, run_options, train
from toys import ARCHITECTURE, SIDE, ToyEvaluation, ToyFeed, ToyTask

from fcmae.checkpoint import store
from fcmae.data.augment import Pretraining
from fcmae.data.feed import Feed
from fcmae.data.listing import find_images
from fcmae.data.options import Crop, Loader
from fcmae.engine.report import Silent
from fcmae.errors import CheckpointError, StorageError
from fcmae.model.grn_options import Response
from fcmae.model.options import Architecture
from forking import IGNORE_THREADS, Child, calls_of, killed_after

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)


class Mortal(ToyFeed):
    """A feed that kills the process when it is asked for the batch of a step."""

    def __init__(self, die_at: int) -> None:
        super().__init__()
        object.__setattr__(self, "die_at", die_at)

    def batches(self, *, first_step: int, **how: Any) -> Iterator[Any]:
        for number, batch in enumerate(super().batches(first_step=first_step, **how)):
            if first_step + number == self.die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch


def die(out: Path, step: int, **changes: Any) -> None:
    """Train until a step and be killed there."""
    assert Child(lambda: train(out, feed=Mortal(step), **changes)).wait() == -signal.SIGKILL


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing has interrupted."""
    out = tmp_path_factory.mktemp("whole")
    train(out, evaluations=[ToyEvaluation()])
    return out


def test_two_steps_differ_or_the_tests_below_prove_nothing(whole: Path) -> None:
    steps = [
        store.Saved(path=p, step=0, facts={}) for p in store.checkpoints(whole / "checkpoints")
    ]
    for part in ("model", "ema", "optimizer"):
        one, other = (saved.tensors(part) for saved in steps)
        assert all(not torch.equal(one[name], other[name]) for name in one)


def test_killed_at_any_step_and_resumed_is_not_killed_at_all(whole: Path, tmp_path: Path) -> None:
    for step in (0, 4, 7):  # before any checkpoint, after one, before the last
        out = tmp_path / str(step)
        die(out, step, evaluations=[ToyEvaluation()])
        train(out, evaluations=[ToyEvaluation()])
        assert_same_state(out, whole)
        assert lines(out) == lines(whole)


@pytest.mark.full
def test_running_statistics_are_averaged_and_resumed_to_the_last_bit(tmp_path: Path) -> None:
    architecture = replace(ARCHITECTURE, grn=Response(kind="batchnorm"))
    train(tmp_path / "whole", task=ToyTask(architecture=architecture))
    die(tmp_path / "killed", 6, task=ToyTask(architecture=architecture))
    train(tmp_path / "killed", task=ToyTask(architecture=architecture))
    assert_same_state(tmp_path / "killed", tmp_path / "whole")
    model, average = (newest(tmp_path / "whole").tensors(part) for part in ("model", "ema"))
    name = "encoder.stages.0.0.grn.norm.running_mean"
    assert not torch.equal(model[name], average[name])
    assert model[name].abs().sum() > average[name].abs().sum() > 0
    assert model["encoder.stages.0.0.grn.norm.num_batches_tracked"] == 8


@pytest.mark.full
def test_a_chain_of_kills_changes_nothing(whole: Path, tmp_path: Path) -> None:
    for step in (0, 2, 5, 4, 4, 7):
        die(tmp_path, step, evaluations=[ToyEvaluation()])
    train(tmp_path, evaluations=[ToyEvaluation()])
    assert_same_state(tmp_path, whole)
    assert lines(tmp_path) == lines(whole)


@pytest.mark.full
def test_killed_at_random_moments(whole: Path, tmp_path: Path) -> None:
    """Wherever the kill falls: in the start, a step, an evaluation, a save, the export."""
    rng = random.Random(1)
    calls = calls_of(lambda: train(tmp_path / "counted", evaluations=[ToyEvaluation()]))
    for trial in range(3):
        out = tmp_path / str(trial)
        go_on = partial(train, out, evaluations=[ToyEvaluation()])
        assert killed_after(rng.randrange(int(0.9 * calls)), go_on)
        for _ in range(2):  # what is left may be over before
            killed_after(rng.randrange(int(0.9 * calls)), go_on)
        go_on()
        assert_same_state(out, whole)
        assert lines(out) == lines(whole)


def test_a_damaged_checkpoint_is_named_and_the_one_before_taken(
    whole: Path, tmp_path: Path
) -> None:
    train(tmp_path, evaluations=[ToyEvaluation()])
    damaged = tmp_path / "checkpoints" / "step-00000008" / "ema.safetensors"
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 1
    damaged.write_bytes(content)
    messages: list[str] = []

    class Listener(Silent):
        def message(self, text: str) -> None:
            messages.append(text)

    train(tmp_path, evaluations=[ToyEvaluation()], reporter=Listener())
    assert messages == [
        "A checkpoint is damaged and was set aside: step-00000008: ema.safetensors was changed: "
        "its SHA-256 differs."
    ]
    assert_same_state(tmp_path, whole)
    assert lines(tmp_path) == lines(whole)


def test_when_every_checkpoint_is_damaged_the_run_stops(tmp_path: Path) -> None:
    train(tmp_path, optim=options(epochs=1))
    (tmp_path / "checkpoints" / "step-00000004" / "state.json").write_text("{}")
    with pytest.raises(CheckpointError, match="all checkpoints"):
        train(tmp_path, optim=options(epochs=1))


def test_a_cut_line_of_metrics_is_dropped(whole: Path, tmp_path: Path) -> None:
    die(tmp_path, 6, evaluations=[ToyEvaluation()])
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"kind": "train", "st')
    train(tmp_path, evaluations=[ToyEvaluation()])
    assert lines(tmp_path) == lines(whole)


@pytest.mark.full
def test_other_micro_batches_are_another_run_but_other_validation_is_not(tmp_path: Path) -> None:
    record = {"weights": "a", "every": 1, "test_size": None}
    die(tmp_path, 5, record=record)
    with pytest.raises(CheckpointError, match=r"run\.micro_batch: null before, 2 now"):
        train(tmp_path, record=record, run=run_options(micro_batch=2))
    train(tmp_path, record={"weights": "b", "every": 2, "test_size": 384})
    assert newest(tmp_path).step == 8


@pytest.mark.parametrize(
    ("architecture", "difference"),
    [
        (
            replace(ARCHITECTURE, dims=(4, 4, 8, 16)),
            "conv.weight is 8 x 8 x 2 x 2, but 16 x 8 x 2 x 2",
        ),
        (replace(ARCHITECTURE, depths=(1, 0, 0, 2)), "is absent, but "),
    ],
)
def test_a_run_of_another_model_is_one_line(
    architecture: Architecture, difference: str, tmp_path: Path
) -> None:
    die(tmp_path, 5)
    with pytest.raises(CheckpointError, match="the run in this directory is of another model") as e:
        train(tmp_path, task=ToyTask(architecture=architecture))
    assert difference in str(e.value)


@pytest.mark.parametrize(
    "name", ["weights-best.safetensors", "options.json", "weights.safetensors"]
)
def test_files_of_others_are_not_written_over(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(StorageError, match="is there already, though no run was begun here"):
        train(tmp_path)
    assert (tmp_path / name).read_text() == "mine"
    train(tmp_path, run=run_options(resume=False))
    assert (tmp_path / "former-1" / name).read_text() == "mine"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for label in ("a", "b", "c"):
        (root / label).mkdir()
        for number in range(8):
            pixels = rng.integers(0, 255, (12, 14, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number}.png")
    return root


def feed_of(photos: Path, workers: int) -> Feed:
    view = Pretraining((SIDE, SIDE), Crop())
    images = find_images(photos, labels=True)
    return Feed(images, view, seed=0, loader=Loader(workers=workers), channels=3)


@pytest.mark.full
def test_resuming_is_exact_with_any_number_of_loader_workers(photos: Path, tmp_path: Path) -> None:
    """Real files and augmentation; the number of workers changes across the resume."""
    train(tmp_path / "whole", feed=feed_of(photos, 0))
    for before, after in ((0, 2), (2, 0)):
        out = tmp_path / f"{before}-{after}"
        Child(lambda out=out, before=before: stopped_at_5(out, feed_of(photos, before))).wait()
        assert newest(out).step == 5
        train(out, feed=feed_of(photos, after))
        assert_same_state(out, tmp_path / "whole")
        assert lines(out) == lines(tmp_path / "whole")


def stopped_at_5(out: Path, feed: Feed) -> None:
    seen = []

    def stop(loss: torch.Tensor) -> torch.Tensor:
        seen.append(loss)
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return loss

    train(out, feed=feed, task=ToyTask(at_step=stop))


@pytest.mark.full(but=["15-143-6"])
@pytest.mark.parametrize(
    ("number", "code", "step"),
    [(signal.SIGTERM, 143, 1), (signal.SIGINT, 130, 4), (signal.SIGTERM, 143, 6)],
)
def test_a_signal_finishes_the_step_and_saves_it(
    whole: Path, tmp_path: Path, number: signal.Signals, code: int, step: int
) -> None:
    def send(loss: torch.Tensor) -> torch.Tensor:
        if len(feed.drawn) == step:
            os.kill(os.getpid(), number)
        return loss

    feed = ToyFeed()
    child = Child(
        lambda: train(
            tmp_path, feed=feed, task=ToyTask(at_step=send), evaluations=[ToyEvaluation()]
        )
    )
    assert child.wait() == code
    assert newest(tmp_path).step == step
    train(tmp_path, evaluations=[ToyEvaluation()])
    assert_same_state(tmp_path, whole)
    assert lines(tmp_path) == lines(whole)


def test_a_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
    def hang(loss: torch.Tensor) -> torch.Tensor:
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        signal.set_wakeup_fd(writing)
        (tmp_path / "hanging").touch()
        os.read(reading, 1)
        (tmp_path / "heard").touch()
        while True:
            time.sleep(0.01)

    child = Child(lambda: train(tmp_path, task=ToyTask(at_step=hang)))
    for number, said in ((signal.SIGTERM, "hanging"), (signal.SIGINT, "heard")):
        while not (tmp_path / said).exists():
            assert child.lives()
            time.sleep(0.01)
        child.send(number)
    assert child.wait() == 130
    assert not (tmp_path / "checkpoints").exists()


def test_handlers_are_put_back(tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    train(tmp_path, optim=options(epochs=1))
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_another_command_does_not_go_on_with_a_run(tmp_path: Path) -> None:
    train(tmp_path, optim=options(epochs=1), command="finetune detect")
    start = json.loads((tmp_path / "environment.json").read_text())[0]
    assert start["command"] == "finetune detect"
    told = r"made by `fcmae finetune detect`, so `fcmae pretrain` cannot go on"
    with pytest.raises(CheckpointError, match=told):
        train(tmp_path, optim=options(epochs=1), command="pretrain")


def test_a_run_of_a_version_that_did_not_record_its_command_goes_on(tmp_path: Path) -> None:
    train(tmp_path, optim=options(epochs=1))
    assert "command" not in json.loads((tmp_path / "environment.json").read_text())[0]
    train(tmp_path, optim=options(epochs=1), command="pretrain")
