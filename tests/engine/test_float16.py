"""float16 is for GPUs, but its arithmetic can be held to its promises on any device."""

from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from runs import assert_same_state, lines, newest, options, run_options, train
from toys import ToyFeed, ToyTask

from fcmae.engine import devices
from fcmae.engine.options import Run
from fcmae.errors import NonFiniteError


@pytest.fixture(autouse=True)
def _on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def launch(run: Run) -> Fabric:
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
        plugin = MixedPrecision("16-mixed", "cpu", scaler)
        return Fabric(accelerator="cpu", devices=1, plugins=[plugin])

    monkeypatch.setattr(devices, "launch", launch)
    monkeypatch.setattr(devices, "precision", lambda run, kind: run.precision)


FLOAT16 = run_options(precision="float16")


def test_it_learns_and_keeps_float32_weights(tmp_path: Path) -> None:
    train(tmp_path, run=FLOAT16, optim=options(epochs=4, clip_grad=None))
    found = lines(tmp_path)
    assert found[-1]["loss"] < 0.9 * found[0]["loss"]
    assert all(line["grad_norm"] < 100 for line in found)  # the scale is taken out again
    saved = newest(tmp_path)
    assert {x.dtype for x in saved.tensors("model").values()} == {torch.float32}
    assert saved.facts["scaler"]["scale"] == 2**10


@pytest.mark.full
def test_a_step_that_overflows_is_left_out_and_the_scale_lowered(tmp_path: Path) -> None:
    calls: list[torch.Tensor] = []

    def overflow(loss: torch.Tensor) -> torch.Tensor:
        calls.append(loss)
        if len(calls) != 6:
            return loss
        return loss + (loss - loss.detach()) * 1e30  # far beyond float16

    train(tmp_path, run=FLOAT16, task=ToyTask(at_step=overflow))
    found = lines(tmp_path)
    assert [line["step"] for line in found if line["grad_norm"] is None] == [6]
    assert newest(tmp_path).facts["scaler"]["scale"] == 2**9


@pytest.mark.full
def test_a_gradient_that_stays_broken_stops_the_run(tmp_path: Path) -> None:
    def overflow(loss: torch.Tensor) -> torch.Tensor:
        return loss + (loss - loss.detach()) * 1e30

    with pytest.raises(NonFiniteError, match="step 12: the loss is 1"):
        train(tmp_path, run=FLOAT16, task=ToyTask(at_step=overflow), optim=options(epochs=3))


@pytest.mark.full
def test_resuming_is_exact_here_too(tmp_path: Path) -> None:
    class Ends(ToyFeed):
        def batches(self, **how: object) -> object:  # type: ignore[override]
            for number, batch in enumerate(super().batches(**how)):  # type: ignore[arg-type]
                if number == 6:
                    raise RuntimeError("as asked")
                yield batch

    train(tmp_path / "whole", run=FLOAT16)
    with pytest.raises(RuntimeError, match="as asked"):
        train(tmp_path / "parts", run=FLOAT16, feed=Ends())
    train(tmp_path / "parts", run=FLOAT16)
    assert_same_state(tmp_path / "parts", tmp_path / "whole")
