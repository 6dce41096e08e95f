"""An evaluation that fails costs no step of the training, however many processes there are."""

from pathlib import Path

import pytest
from runs import assert_same_state, lines, newest, options, run_options, train
from test_fit import Listener
from toys import Failing, ToyEvaluation, ToyTask

import forking
from fcmae.engine.keeper import Keeper
from fcmae.errors import DataError, DistributedError, StorageError
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)


@pytest.mark.full(but=["1"])
@pytest.mark.parametrize("at", [1, 2])
def test_the_run_ends_with_its_steps_saved_and_goes_on_as_if_nothing_had_been(
    at: int, tmp_path: Path
) -> None:
    whole, failed, listener = tmp_path / "whole", tmp_path / "failed", Listener()
    train(whole, evaluations=[ToyEvaluation()])
    run = run_options(checkpoint_every=5)  # what is saved, is so because of the error
    with pytest.raises(DataError, match="none of the images can be used"):
        train(failed, run=run, evaluations=[ToyEvaluation(), Failing(at=at)], reporter=listener)
    assert newest(failed).step == 4 * at
    assert listener.messages[-1] == (
        f"An evaluation failed after step {4 * at}, which is saved: the same command goes on from "
        "there."
    )
    evaluation = ToyEvaluation()
    train(failed, run=run, evaluations=[evaluation])
    assert evaluation.calls == [1, 2][at - 1 :]
    assert_same_state(failed, whole)
    assert lines(failed) == lines(whole)


def test_where_the_steps_cannot_be_saved_either_both_errors_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("the disk is full.")

    monkeypatch.setattr(Keeper, "save", full)
    listener = Listener()
    with pytest.raises(DataError, match="none of the images can be used"):
        train(tmp_path, evaluations=[Failing()], reporter=listener)
    assert listener.messages[-1] == (
        "An evaluation failed after step 4, which could not be saved: the disk is full."
    )


@pytest.mark.full
@pytest.mark.parametrize("on", [None, 0, 1])
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_several_processes_save_their_steps_too(
    strategy: str, on: int | None, tmp_path: Path
) -> None:
    def run() -> None:
        how = run_options(strategy=strategy)
        task = ToyTask(drop_path=0.0)
        train(tmp_path, run=how, task=task, evaluations=[Failing(on=on)], optim=options())

    codes = forking.together(run)
    others = DataError if on is None else DistributedError
    assert codes == [(DataError if on == rank else others).exit_code for rank in range(2)]
    assert newest(tmp_path).step == 4
