import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from runs import lines, newest, options, run_options, train
from torch import nn
from torch.testing import assert_close
from toys import ToyEvaluation, ToyFeed, ToyTask

from fcmae.checkpoint import store
from fcmae.checkpoint.header import read_card
from fcmae.checkpoint.weights import load_model
from fcmae.engine.folder import RunFolder
from fcmae.engine.keeper import Best
from fcmae.engine.report import RunPlan, Silent
from fcmae.engine.resume import Record
from fcmae.errors import CheckpointError, OutOfMemory, StorageError
from fcmae.optim.schedule import learning_rate
from fcmae.process_group import Peers
from fcmae.task import Evaluation


class Listener(Silent):
    def __init__(self) -> None:
        self.plans: list[RunPlan] = []
        self.steps: list[int] = []
        self.messages: list[str] = []
        self.finished = False

    def start(self, plan: RunPlan) -> None:
        self.plans.append(plan)

    def step(self, metrics: Mapping[str, float]) -> None:
        self.steps.append(int(metrics["step"]))

    def evaluated(self, epoch: int, metrics: Mapping[str, float]) -> None:
        self.messages.append(f"epoch {epoch}: {', '.join(metrics)}")

    def message(self, text: str) -> None:
        self.messages.append(text)

    def finish(self) -> None:
        self.finished = True


def test_a_run_learns_and_leaves_a_whole_directory(tmp_path: Path) -> None:
    listener = Listener()
    outcome = train(
        tmp_path,
        optim=options(epochs=4),
        run=run_options(micro_batch=4),
        evaluations=[ToyEvaluation()],
        record={"data": "/home/me/cats", "size": (8, 8)},
        card={"classes": ["a", "b", "c"]},
        reporter=listener,
    )
    assert (outcome.steps, outcome.epochs, outcome.best) == (16, 4, None)
    assert outcome.metrics.keys() == {"loss", "toy/spread"}
    losses = [line["loss"] for line in lines(tmp_path) if line["kind"] == "train"]
    assert losses[-1] < 0.9 * losses[0]
    assert outcome.metrics["loss"] == losses[-1]
    names = {path.name for path in tmp_path.iterdir() if path.name != ".lock"}
    assert names == {
        "checkpoints", "environment.json", "metrics.jsonl", "options.json", "tensorboard",
        "weights.safetensors", "weights-raw.safetensors",
    }  # fmt: skip
    recorded = json.loads((tmp_path / "options.json").read_text())
    assert recorded["size"] == [8, 8]
    assert recorded["optim"]["epochs"] == 4
    assert recorded["run"]["device"] == "cpu"
    start = json.loads((tmp_path / "environment.json").read_text())[0]
    assert start["torch"] == torch.__version__
    assert listener.steps == list(range(1, 17))
    assert listener.finished
    assert "effective batch 6 (1 x 4 at a time), peak learning rate 0.00469" in str(
        listener.plans[0]
    )


def test_final_weights_are_the_average_and_say_so(tmp_path: Path) -> None:
    outcome = train(tmp_path, record={"data": "/home/me/cats"}, card={"classes": ["a", "b", "c"]})
    model, card = load_model(outcome.weights)
    saved = newest(tmp_path)
    assert_close(model.state_dict(), saved.tensors("ema"), rtol=0, atol=0)
    assert (card.weights, card.step, card.classes) == ("average", 8, ("a", "b", "c"))
    assert card.options["optim"]["batch_size"] == 6
    assert "/home/me" not in json.dumps(card.to_json())
    raw, raw_card = load_model(tmp_path / "weights-raw.safetensors")
    assert_close(raw.state_dict(), saved.tensors("model"), rtol=0, atol=0)
    assert raw_card.weights == "trained"


def test_without_an_average_there_is_one_weights_file(tmp_path: Path) -> None:
    outcome = train(tmp_path, optim=options(ema=None))
    assert read_card(outcome.weights).weights == "trained"
    assert not (tmp_path / "weights-raw.safetensors").exists()
    assert newest(tmp_path).tensors("ema") == {}


def test_metrics_follow_the_schedule(tmp_path: Path) -> None:
    train(tmp_path, run=run_options(log_every=3))
    train_lines = [line for line in lines(tmp_path) if line["kind"] == "train"]
    assert [line["step"] for line in train_lines] == [3, 6, 8]
    for line in train_lines:
        assert line["lr"] == learning_rate(options(), line["step"] - 1, 4)
        assert line["epoch"] == line["step"] / 4
        assert line.keys() == {"kind", "step", "epoch", "loss", "right", "lr", "grad_norm"}


def test_the_first_step_is_gradient_descent_by_hand(tmp_path: Path) -> None:
    """One step of AdamW moves each weight by about the learning rate against its gradient."""
    task, feed = ToyTask(drop_path=0.0), ToyFeed()
    optim = options(warmup_epochs=0.0, epochs=1, batch_size=24, ema=None, clip_grad=None)
    reference = ToyTask(drop_path=0.0)
    batch = next(feed.batches(first_step=0, last_step=1, batch_size=24, micro_batch=24))
    reference(batch).loss.backward()
    expected = {}
    for name, parameter in reference.model.named_parameters():
        assert parameter.grad is not None
        keep = 1 - optim.peak_lr * (optim.weight_decay if parameter.ndim > 1 else 0)
        moved = parameter.grad / (parameter.grad.abs() + 1e-8)
        expected[name] = parameter.detach() * keep - optim.peak_lr * moved
    train(tmp_path, task=task, feed=feed, optim=optim)
    assert_close(newest(tmp_path).tensors("model"), expected, rtol=1e-4, atol=1e-6)


def test_accumulating_micro_batches_changes_nothing(tmp_path: Path) -> None:
    found = {}
    for micro in (None, 5, 1):  # 12; 5, 5 and 2; 12 times 1
        out = tmp_path / str(micro)
        run, optim = run_options(micro_batch=micro), options(batch_size=12, epochs=1)
        train(out, task=ToyTask(drop_path=0.0), run=run, optim=optim)
        numbers = [line[name] for line in lines(out) for name in ("loss", "right", "grad_norm")]
        parts = (newest(out).tensors(part) for part in ("model", "ema", "optimizer"))
        found[micro] = *parts, torch.tensor(numbers)
    for micro in (5, 1):
        assert_close(found[micro], found[None], rtol=1e-5, atol=1e-6)


def test_clipping_bounds_the_gradient(tmp_path: Path) -> None:
    """Adam forgives a constant factor, so look at its first moment: it cannot exceed the bound."""
    train(tmp_path, optim=options(clip_grad=1e-3))
    moments = newest(tmp_path).tensors("optimizer")
    total = sum(float(x.square().sum()) for name, x in moments.items() if name.endswith("exp_avg"))
    assert 0 < total**0.5 <= 1e-3
    assert max(line["grad_norm"] for line in lines(tmp_path)) > 0.1


def test_checkpoints_come_every_few_epochs_and_at_the_end(tmp_path: Path) -> None:
    train(tmp_path, optim=options(epochs=3), run=run_options(checkpoint_every=2))
    steps = [int(path.name[-8:]) for path in store.checkpoints(tmp_path / "checkpoints")]
    assert steps == [8, 12]


class Rising(Evaluation):
    """Best in the middle of the run."""

    name, every = "rising", 1

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        return {"height": [0.0, float("nan"), 0.9, 0.5, 0.7][epoch]}


def test_the_best_checkpoint_and_its_weights_are_kept(tmp_path: Path) -> None:
    outcome = train(
        tmp_path,
        optim=options(epochs=4),
        run=run_options(checkpoint_every=5),
        evaluations=[Rising()],
        best="rising/height",
    )
    assert outcome.best == Best(step=8, value=0.9)
    assert outcome.metrics["rising/height"] == 0.7
    kept = {path.name[-2:]: path for path in store.checkpoints(tmp_path / "checkpoints")}
    assert kept.keys() == {"08", "16"}
    saved = store.Saved(path=kept["08"], step=8, facts={})
    model, card = load_model(tmp_path / "weights-best.safetensors")
    assert card.step == 8
    assert_close(model.state_dict(), saved.tensors("ema"), rtol=0, atol=0)
    measured = [x["rising/height"] for x in lines(tmp_path) if x["kind"] == "evaluation"]
    assert measured == [None, 0.9, 0.5, 0.7]


@pytest.mark.parametrize("ema", [None, 0.9])
def test_evaluations_see_the_weights_that_are_kept(tmp_path: Path, ema: float | None) -> None:
    seen = {}

    class Watch(ToyEvaluation):
        def __call__(
            self, model: nn.Module, peers: Peers, folder: Path, epoch: int
        ) -> dict[str, float]:
            seen[epoch] = {name: x.clone() for name, x in model.state_dict().items()}
            return super().__call__(model, peers, folder, epoch)

    outcome = train(tmp_path, optim=options(ema=ema, epochs=3), evaluations=[Watch(every=2)])
    assert seen.keys() == {2, 3}
    assert_close(load_model(outcome.weights)[0].state_dict(), seen[3], rtol=0, atol=0)


@pytest.mark.full
def test_evaluating_does_not_change_the_training(tmp_path: Path) -> None:
    class Careless(ToyEvaluation):
        def __call__(
            self, model: nn.Module, peers: Peers, folder: Path, epoch: int
        ) -> dict[str, float]:
            torch.manual_seed(17)
            return {"number": float(torch.rand(()))}

    for name, evaluations in (("with", [Careless()]), ("without", [])):
        train(tmp_path / name, optim=options(ema=None), evaluations=evaluations)
    assert_close(
        newest(tmp_path / "with").tensors("model"),
        newest(tmp_path / "without").tensors("model"),
        rtol=0,
        atol=0,
    )


def test_a_finished_run_says_so_and_gives_its_outcome(tmp_path: Path) -> None:
    first = train(tmp_path, evaluations=[ToyEvaluation()])
    first.weights.unlink()
    listener, evaluation = Listener(), ToyEvaluation()
    again = train(tmp_path, evaluations=[evaluation], reporter=listener)
    assert again == first
    assert listener.messages == ["This run is finished already."]
    assert evaluation.calls == listener.steps == []
    assert read_card(again.weights).step == 8


def test_a_run_may_not_go_on_with_other_options_or_images(tmp_path: Path) -> None:
    train(tmp_path, record={"mask": {"ratio": 0.6}})
    with pytest.raises(CheckpointError) as caught:
        train(
            tmp_path,
            optim=options(epochs=9),
            feed=ToyFeed(num_images=25),
            record={"mask": {"ratio": 0.7}},
        )
    assert str(caught.value) == (
        "the run in this directory was begun differently, so it cannot go on: "
        "mask.ratio: 0.6 before, 0.7 now; "
        "optim.epochs: 2 before, 9 now; "
        "the training images: 24 before, 25 now. "
        'Give the same options, or another out=, or begin anew with run={"resume": False}.'
    )
    with pytest.raises(CheckpointError, match="24 as before, but other files or labels"):
        train(tmp_path, feed=ToyFeed(fingerprint="other"), record={"mask": {"ratio": 0.6}})


@pytest.mark.full
def test_options_are_compared_by_what_they_mean(tmp_path: Path) -> None:
    def meaning(*records: Record) -> tuple[Record, Record]:
        one, other = ({"blocks": None, **record["mask"]} for record in records)
        return {"mask.blocks": one["blocks"] or [1, 2]}, {"mask.blocks": other["blocks"] or [1, 2]}

    train(tmp_path, record={"mask": {"ratio": 0.75}})
    for blocks in ((1, 2), None):
        now, listener = {"mask": {"ratio": 0.75, "blocks": blocks}}, Listener()
        train(tmp_path, record=now, meaning=meaning, reporter=listener)
        assert listener.messages == ["This run is finished already."]
    with pytest.raises(CheckpointError, match=r"mask\.blocks: \[1, 2\] before, \[2, 2\] now\. "):
        train(tmp_path, record={"mask": {"ratio": 0.75, "blocks": (2, 2)}}, meaning=meaning)


def test_files_that_an_evaluation_left_out_are_named_once(tmp_path: Path) -> None:
    evaluation, listener = ToyEvaluation(), Listener()
    evaluation.unusable = [("a.png", "it is empty")]
    train(tmp_path, evaluations=[evaluation], reporter=listener)
    named = [text for text in listener.messages if "a.png" in text]
    assert len(evaluation.calls) > 1
    assert named == ["a.png cannot be used (it is empty): toy is measured without it."]


def test_a_run_of_another_command_is_told_as_one(tmp_path: Path) -> None:
    train(tmp_path, record={"mask": {"ratio": 0.6}, "decoder": {"depth": 1}, "size": 64})
    with pytest.raises(CheckpointError) as caught:
        train(tmp_path, record={"head": {"width": 64}, "size": 32})
    assert str(caught.value) == (
        "the run in this directory was made by another command, or by another version of this one "
        "(its options have decoder, mask), so it cannot go on: give another out=."
    )


def test_of_many_differences_some_are_told(tmp_path: Path) -> None:
    train(tmp_path, record={"mask": {f"at_{i:02}": 0 for i in range(12)}})
    with pytest.raises(CheckpointError, match=r"at_07: 0 before, 1 now; and 4 more\. Give the"):
        train(tmp_path, record={"mask": {f"at_{i:02}": 1 for i in range(12)}})


def test_what_does_not_change_the_result_may_change(tmp_path: Path) -> None:
    record = {"data": "/a", "loader": {"workers": 1}, "monitor": {"every": 2, "labelled": "/c"}}
    train(tmp_path, record=record)
    assert json.loads((tmp_path / "options.json").read_text())["monitor"] == record["monitor"]
    run = run_options(keep=5, log_every=7, micro_batch=None, checkpoint_every=2)
    monitor = {"every": 3, "labelled": None}
    train(tmp_path, record={"data": "/b", "loader": {"workers": 4}, "monitor": monitor}, run=run)


def test_beginning_anew_keeps_what_was_there(tmp_path: Path) -> None:
    train(tmp_path)
    listener = Listener()
    train(tmp_path, optim=options(epochs=1), run=run_options(resume=False), reporter=listener)
    assert listener.messages == [
        f"Beginning anew; what was there is now in {tmp_path / 'former-1'}."
    ]
    assert newest(tmp_path).step == 4
    assert newest(tmp_path / "former-1").step == 8
    assert len(lines(tmp_path)) == 4


def test_folders_of_someone_else_stay_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "analysis").mkdir()
    assert RunFolder(tmp_path).set_former_aside() is None
    assert (tmp_path / "analysis").is_dir()


def test_all_that_was_made_of_a_former_run_goes_with_it_under_a_new_number(tmp_path: Path) -> None:
    for name in ("former-2", "former-9", "former-mine", "analysis", "export"):
        (tmp_path / name).mkdir()
    for name in ("metrics.jsonl", "accuracy.json", "precision.json", "notes.txt"):
        (tmp_path / name).write_text(name)
    former = RunFolder(tmp_path).set_former_aside()
    assert former == tmp_path / "former-10"
    assert {path.name for path in former.iterdir()} == {
        "metrics.jsonl", "accuracy.json", "precision.json", "analysis", "export",
    }  # fmt: skip
    assert RunFolder(tmp_path).set_former_aside() is None
    kept = {"former-2", "former-9", "former-10", "former-mine", "notes.txt"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_weights_without_checkpoints_are_not_written_over(tmp_path: Path) -> None:
    train(tmp_path)
    (tmp_path / "checkpoints").rename(tmp_path / "gone")
    with pytest.raises(StorageError, match="weights of a finished run but no checkpoint"):
        train(tmp_path)


def test_a_full_device_names_the_option_that_helps(tmp_path: Path) -> None:
    def full(loss: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(OutOfMemory, match=r"set run\.micro_batch \(now 4\) to fewer"):
        train(tmp_path, task=ToyTask(at_step=full), run=run_options(micro_batch=4))


def test_float16_is_for_gpus_only(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"run\.precision is float16, but only GPUs"):
        train(tmp_path, run=run_options(precision="float16"))


def test_bfloat16_trains_and_keeps_float32_weights(tmp_path: Path) -> None:
    train(tmp_path, run=run_options(precision="bfloat16"), optim=options(epochs=4))
    losses = [line["loss"] for line in lines(tmp_path)]
    assert losses[-1] < 0.9 * losses[0]
    state = newest(tmp_path)
    for part in ("model", "ema", "optimizer"):
        assert {x.dtype for x in state.tensors(part).values()} == {torch.float32}


def test_what_could_not_be_saved_at_the_end_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"best is 'tay/x', but the evaluations are \['toy'\]"):
        train(tmp_path, evaluations=[ToyEvaluation()], best="tay/x")
    feed = ToyFeed()
    with pytest.raises(TypeError, match="not JSON serializable"):
        train(tmp_path, feed=feed, card={"classes": {"a", "b"}})
    assert feed.drawn == []


class Prepared(ToyTask):
    """Notes when it is asked to prepare a step, and between which micro-batches."""

    def __init__(self) -> None:
        super().__init__(drop_path=0.0, at_step=self.note)
        self.calls: list[str] = []

    def note(self, loss: torch.Tensor) -> torch.Tensor:
        self.calls.append("micro-batch")
        return loss

    def before_step(self, step: int, steps: int, peers: Peers) -> None:
        assert self.training
        self.calls.append(f"{step} of {steps} by {peers.size}")


def test_a_task_prepares_each_step_once_before_its_first_micro_batch(tmp_path: Path) -> None:
    task = Prepared()
    train(tmp_path, task=task, optim=options(epochs=1), run=run_options(micro_batch=4))
    micro_batches = ["micro-batch", "micro-batch"]
    expected = [[f"{step} of 4 by 1", *micro_batches] for step in range(4)]
    assert task.calls == [call for step in expected for call in step]
