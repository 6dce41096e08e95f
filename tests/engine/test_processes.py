"""Two processes that talk over gloo, as torchrun would start them."""

import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import lines, newest, options, run_options, train
from torch.testing import assert_close
from toys import ToyEvaluation, ToyFeed, ToyTask

import forking
from fcmae.checkpoint import store
from fcmae.checkpoint.store import Saved
from fcmae.checkpoint.weights import load_model
from fcmae.engine import devices
from fcmae.engine.keeper import Keeper
from fcmae.engine.rank_zero import on_each, on_leader
from fcmae.errors import DistributedError, NonFiniteError, StorageError
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)


def together(out: Path, *, processes: int = 2, **changes: Any) -> list[int]:
    """Train in several processes; their exit codes."""
    task = changes.pop("task", None)
    return forking.together(
        lambda: train(out, task=task or ToyTask(drop_path=0.0), **changes), processes
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("alone")
    train(out, task=ToyTask(drop_path=0.0), evaluations=[ToyEvaluation()], best="toy/spread")
    return out


@pytest.mark.full(but=["ddp"])
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_do_what_one_does(alone: Path, tmp_path: Path, strategy: str) -> None:
    run = run_options(strategy=strategy, micro_batch=2)
    evaluations = [ToyEvaluation()]
    assert together(tmp_path, run=run, evaluations=evaluations, best="toy/spread") == [0, 0]
    one, two = newest(alone), newest(tmp_path)
    for part in ("model", "ema", "optimizer"):
        assert_close(two.tensors(part), one.tensors(part), rtol=1e-4, atol=1e-5)
    for line, expected in zip(lines(tmp_path), lines(alone), strict=True):
        numbers = [name for name in expected if name != "kind"]
        assert [line[n] for n in numbers] == pytest.approx([expected[n] for n in numbers], rel=1e-4)
    load_model(tmp_path / "weights-best.safetensors")


@pytest.mark.full
def test_the_number_of_processes_may_change_when_a_run_goes_on(alone: Path, tmp_path: Path) -> None:
    def stop_on_one(loss: torch.Tensor) -> torch.Tensor:
        calls.append(loss)
        if len(calls) == 3 and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGTERM)
        return loss

    calls: list[torch.Tensor] = []
    task = ToyTask(drop_path=0.0, at_step=stop_on_one)
    run = run_options(strategy="fsdp")
    assert together(tmp_path, task=task, run=run, evaluations=[ToyEvaluation()]) == [143, 143]
    assert newest(tmp_path).step == 3
    assert together(tmp_path, evaluations=[ToyEvaluation()], feed=Ends(at=5)) == [99, 99]
    assert newest(tmp_path).step == 4
    train(tmp_path, task=ToyTask(drop_path=0.0), evaluations=[ToyEvaluation()])
    one, changed = newest(alone), newest(tmp_path)
    for part in ("model", "ema", "optimizer"):
        assert_close(changed.tensors(part), one.tensors(part), rtol=1e-4, atol=1e-5)
    assert [line["step"] for line in lines(tmp_path)] == [line["step"] for line in lines(alone)]


def shards(saved: Saved) -> set[str]:
    return {path.name.split("-", 1)[1] for path in saved.path.glob("*-of-*.safetensors")}


@pytest.mark.full
@pytest.mark.parametrize("processes", [(1, 2, 3), (3, 2, 1)])
def test_shards_are_taken_up_by_any_number_of_processes(
    alone: Path, tmp_path: Path, processes: tuple[int, int, int]
) -> None:
    how: dict[str, Any] = {"run": run_options(strategy="fsdp"), "evaluations": [ToyEvaluation()]}
    for number, at in zip(processes, (3, 6, None), strict=True):
        feed = None if at is None else Stops(at=at)
        codes = together(tmp_path, processes=number, feed=feed, best="toy/spread", **how)
        assert codes == [0 if at is None else 143] * number
        saved = newest(tmp_path)
        assert saved.step == (at or 8)
        expected = {f"{i + 1:05}-of-{number:05}.safetensors" for i in range(number)}
        assert shards(saved) == (expected if number > 1 else set())
    for part in ("model", "ema", "optimizer"):
        assert_close(saved.tensors(part), newest(alone).tensors(part), rtol=1e-4, atol=1e-5)
    for name in ("weights", "weights-raw", "weights-best"):
        one, other = (load_model(out / f"{name}.safetensors")[0] for out in (alone, tmp_path))
        assert_close(other.state_dict(), one.state_dict(), rtol=1e-4, atol=1e-5)


@pytest.mark.full
def test_a_damaged_shard_is_noticed_and_the_checkpoint_before_is_taken(tmp_path: Path) -> None:
    run = run_options(strategy="fsdp")
    assert together(tmp_path, run=run) == [0, 0]
    last = newest(tmp_path)
    shard = last.path / "ema-00002-of-00002.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    found = store.newest_intact(tmp_path / "checkpoints")
    assert found.newest is not None
    assert (found.newest.step, last.step) == (4, 8)
    assert f"{shard.name} was changed" in str(found.damaged[0])
    assert together(tmp_path, run=run) == [0, 0]
    for part in ("model", "ema", "optimizer"):
        assert_close(newest(tmp_path).tensors(part), last.tensors(part), rtol=1e-4, atol=1e-5)


@pytest.mark.full
def test_a_process_that_cannot_write_its_shard_stops_all(tmp_path: Path) -> None:
    def fill(loss: torch.Tensor) -> torch.Tensor:
        if os.environ["RANK"] == "1":
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        return loss

    task = ToyTask(drop_path=0.0, at_step=fill)
    codes = together(tmp_path, task=task, run=run_options(strategy="fsdp"))
    assert codes == [StorageError.exit_code] * 2
    assert list((tmp_path / "checkpoints").iterdir()) == []


class Stops(ToyFeed):
    """A feed that asks its run to stop before a step ends."""

    def __init__(self, at: int) -> None:
        super().__init__()
        object.__setattr__(self, "at", at)

    def batches(self, *, first_step: int, **how: Any) -> Iterator[Any]:
        for number, batch in enumerate(super().batches(first_step=first_step, **how)):
            if first_step + number == self.at - 1:
                os.kill(os.getpid(), signal.SIGTERM)
            yield batch


class Ends(ToyFeed):
    """A feed that fails in the middle of a run."""

    def __init__(self, at: int) -> None:
        super().__init__()
        object.__setattr__(self, "at", at)

    def batches(self, *, first_step: int, **how: Any) -> Iterator[Any]:
        for number, batch in enumerate(super().batches(first_step=first_step, **how)):
            if first_step + number == self.at:
                raise RuntimeError("as asked")
            yield batch


@pytest.mark.full
def test_a_break_on_one_process_stops_all(tmp_path: Path) -> None:
    def break_on_one(loss: torch.Tensor) -> torch.Tensor:
        calls.append(loss)
        return loss * (float("nan") if len(calls) == 6 and os.environ["RANK"] == "1" else 1.0)

    calls: list[torch.Tensor] = []
    task = ToyTask(drop_path=0.0, at_step=break_on_one)
    assert together(tmp_path, task=task) == [NonFiniteError.exit_code] * 2
    assert newest(tmp_path).step == 4


def test_a_process_that_is_killed_ends_the_others(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def die(loss: torch.Tensor) -> torch.Tensor:
        calls.append(loss)
        if len(calls) == 3 and os.environ["RANK"] == "1":
            os.kill(os.getpid(), signal.SIGKILL)
        return loss

    calls: list[torch.Tensor] = []
    task = ToyTask(drop_path=0.0, at_step=die)
    assert together(tmp_path, task=task) == [DistributedError.exit_code, -signal.SIGKILL]
    assert "another process died or stopped answering" in capfd.readouterr().err


@pytest.mark.full
def test_a_leader_that_cannot_save_stops_all(tmp_path: Path) -> None:
    def take_away(loss: torch.Tensor) -> torch.Tensor:
        if os.environ["RANK"] == "0" and not (tmp_path / "checkpoints").exists():
            (tmp_path / "checkpoints").write_text("in the way")
        return loss

    task = ToyTask(drop_path=0.0, at_step=take_away)
    assert together(tmp_path, task=task) == [StorageError.exit_code] * 2


@pytest.mark.parametrize(("leads", "who"), [(True, 0), (False, 1)])
def test_an_unexpected_error_of_one_process_ends_the_others_while_it_lives(
    leads: bool, who: int, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    other_ended = tmp_path / "ended"

    def fail() -> None:
        if os.environ["RANK"] == str(who):
            raise RuntimeError("two words\nand a line")

    def act() -> None:
        fabric = devices.launch(run_options())
        try:
            (on_leader if leads else on_each)(fabric, fail)
        except RuntimeError:  # as one that is asked by a notebook, which goes on living
            forking.wait_until(other_ended.exists)
            raise
        except DistributedError:
            other_ended.touch()
            raise

    codes = forking.together(act)
    said = capfd.readouterr().err
    assert codes[who] == forking.FAULT
    assert codes[1 - who] == DistributedError.exit_code
    assert f"child: process {who} of 2 failed with RuntimeError: two words and a line\n" in said
    assert said.count("RuntimeError: two words\nand a line") == 1


@pytest.mark.full
def test_an_error_while_saving_that_nobody_expects_ends_all(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def spoil(loss: torch.Tensor) -> torch.Tensor:
        def fail(*_: object, **__: object) -> None:
            raise TypeError("a number that is no number")

        if os.environ["RANK"] == "0":
            Keeper.save = fail  # type: ignore[method-assign]
        return loss

    task = ToyTask(drop_path=0.0, at_step=spoil)
    assert together(tmp_path, task=task) == [forking.FAULT, DistributedError.exit_code]
    assert (
        "child: process 0 of 2 failed with TypeError: a number that is no number"
        in capfd.readouterr().err
    )


def test_a_batch_that_cannot_be_shared_equally_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert together(tmp_path, optim=options(batch_size=5)) == [99, 99]
    assert (
        "ValueError: optim.batch_size is 5, but 2 processes share it equally: set it to 4 or 6, "
        "for example." in capfd.readouterr().err
    )
