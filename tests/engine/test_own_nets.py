"""The engine trains any module: what it refuses, what it saves, and how a run goes on."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from runs import assert_same_state, lines, newest, options, train
from torch import Tensor, nn
from torch.testing import assert_close
from toys import ARCHITECTURE, CLASSES, ToyEvaluation, ToyFeed, ToyTask

import fcmae
from fcmae.checkpoint.header import read_card
from fcmae.checkpoint.weights import load_into, load_model
from fcmae.data.batch import Batch
from fcmae.errors import CheckpointError
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.encoder import Encoder
from fcmae.model.kinds import KINDS
from fcmae.model.timm_net import TimmEncoder
from fcmae.model.timm_options import TimmArchitecture
from fcmae.task import Step, Task
from forking import IGNORE_THREADS, Child

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)


class Mine(nn.Module):
    """A net with all that a state may hold: tied weights, running statistics, dropout."""

    def __init__(self, architecture: fcmae.Architecture = ARCHITECTURE) -> None:
        super().__init__()
        self.backbone = Encoder(architecture)
        width = self.backbone.architecture.dims[-1]
        self.norm = nn.BatchNorm1d(width)
        self.dropout = nn.Dropout(0.3)
        self.project = nn.Linear(width, width, bias=False)
        self.tied = nn.Linear(width, width, bias=False)
        self.tied.weight = self.project.weight
        self.head = nn.Linear(width, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        x = self.norm(self.backbone(images).features.mean(dim=1))
        x = self.tied(F.relu(self.project(self.dropout(x))))
        out: Tensor = self.head(x)
        return out


class MyTask(Task):
    """Cross-entropy on whatever model it is given."""

    def __init__(self, model: nn.Module | None = None) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = Mine() if model is None else model

    def forward(self, batch: Batch) -> Step:
        return Step(loss=F.cross_entropy(self.model(batch.images), batch.labels))


def run(out: Path, **changes: Any) -> Path:
    """A run of my net, whose weights are given back."""
    return train(out, task=changes.pop("task", None) or MyTask(), **changes).weights


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("whole")
    run(out, evaluations=[ToyEvaluation()])
    return out


@pytest.fixture
def registered() -> Iterator[None]:
    fcmae.register("mine", Mine)
    yield
    del KINDS["mine"]


def test_a_net_of_ones_own_is_trained_and_saved_whole(whole: Path) -> None:
    card = read_card(whole)
    assert card.kind == "module"
    assert card.model["class"] == f"{Mine.__module__}.Mine"
    assert card.model["encoder"] == "backbone"
    mine = fcmae.load(whole, model=Mine())
    assert isinstance(mine, Mine)
    assert not mine.training
    assert_close(dict(mine.state_dict()), newest(whole).tensors("ema"), rtol=0, atol=0)
    assert_close(mine.tied.weight, mine.project.weight, rtol=0, atol=0)
    before = MyTask().model.state_dict()
    assert not any(torch.equal(x, before[name]) for name, x in mine.named_parameters())


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


@pytest.mark.full(but=["0"])
@pytest.mark.parametrize("step", [0, 5])
def test_killed_and_resumed_it_is_not_killed_at_all(whole: Path, tmp_path: Path, step: int) -> None:
    def killed() -> None:
        run(tmp_path, feed=Mortal(step), evaluations=[ToyEvaluation()])

    assert Child(killed).wait() == -signal.SIGKILL
    run(tmp_path, evaluations=[ToyEvaluation()])
    assert_same_state(tmp_path, whole)
    assert lines(tmp_path) == lines(whole)


def test_loading_says_what_it_needs(whole: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        fcmae.load(whole)
    path, name = whole / "weights.safetensors", f"{Mine.__module__}.Mine"
    assert str(caught.value) == (
        f"{path} holds a net of the class {name}, which fcmae does not import by itself: call "
        f'fcmae.register for its class before, or give the model to fill, fcmae.load("{path}", '
        "model=...)."
    )


@pytest.mark.usefixtures("registered")
def test_a_registered_net_is_loaded_by_itself(whole: Path, tmp_path: Path) -> None:
    weights = run(tmp_path, optim=options(epochs=1))
    assert read_card(weights).kind == "mine"
    images = torch.ones(2, 3, 8, 8)
    for path in (weights, whole / "weights.safetensors"):  # also what was saved before
        loaded = fcmae.load(path)
        assert isinstance(loaded, Mine)
        assert_close(loaded(images), fcmae.load(path, model=Mine())(images))
    with pytest.raises(ValueError, match="but this net is your own: leave them out"):
        fcmae.load(weights, channels=4)


def without_keywords() -> Mine:
    return Mine()


@pytest.mark.usefixtures("registered")
def test_a_rebuild_that_fails_says_so(tmp_path: Path) -> None:
    weights = run(tmp_path, optim=options(epochs=1))
    fcmae.register("mine", Mine, rebuild=without_keywords)
    with pytest.raises(CheckpointError, match=r"Mine, which cannot be rebuilt: .*architecture"):
        fcmae.load(weights)


def test_another_net_is_not_filled(whole: Path) -> None:
    other = Mine()
    other.head = nn.Linear(8, 5)
    other.more = nn.Linear(1, 1)
    with pytest.raises(CheckpointError) as caught:
        fcmae.load(whole, model=other)
    assert str(caught.value).endswith(
        "does not fit the model Mine: head.weight has shape [3, 8] instead of [5, 8], head.bias "
        "has shape [3] instead of [5], more.weight is missing, more.bias is missing."
    )


def test_its_encoder_goes_into_models_of_ours_and_nothing_else_does(whole: Path) -> None:
    mine = fcmae.load(whole, model=Mine())
    classifier = Classifier(ARCHITECTURE, num_classes=CLASSES)
    head = classifier.head.weight.detach().clone()
    report = load_into(classifier, whole)
    assert_close(classifier.encoder.state_dict(), mine.backbone.state_dict(), rtol=0, atol=0)
    assert_close(classifier.head.weight, head, rtol=0, atol=0)
    assert report.new == ["norm.weight", "norm.bias", "head.weight", "head.bias"]


def test_an_encoder_of_timm_is_taken_too(tmp_path: Path) -> None:
    net = TimmArchitecture(timm="resnet10t")
    model = nn.Sequential(TimmEncoder(net), nn.AdaptiveAvgPool1d(CLASSES), Averaged())
    weights = run(tmp_path, task=MyTask(model), optim=options(epochs=1, ema=None))
    encoder = TimmEncoder(net)
    load_into(encoder, weights)
    assert_close(encoder.state_dict(), dict(model[0].state_dict()), rtol=0, atol=0)


class Averaged(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=1)


def test_a_net_without_an_encoder_is_trained_and_filled(tmp_path: Path) -> None:
    def plain() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Linear(192, CLASSES))

    weights = run(tmp_path, task=MyTask(plain()), optim=options(epochs=1))
    card = read_card(weights).model
    assert card == {"kind": "module", "class": "torch.nn.modules.container.Sequential"}
    filled = fcmae.load(weights, model=plain())
    assert_close(dict(filled.state_dict()), newest(tmp_path).tensors("ema"), rtol=0, atol=0)
    with pytest.raises(CheckpointError, match="which has no encoder of fcmae that could be taken"):
        load_into(Classifier(ARCHITECTURE, num_classes=CLASSES), weights)


def test_an_autoencoder_with_its_own_parts_asks_for_them(tmp_path: Path) -> None:
    class Reconstructing(Task):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.model = mine()

        def forward(self, batch: Batch) -> Step:
            return Step(loss=self.model(F.interpolate(batch.images, size=(16, 16))).loss)

    def mine() -> Autoencoder:
        return Autoencoder(ARCHITECTURE, decoder=nn.Conv2d(8, 192, 1))

    weights = run(tmp_path, task=Reconstructing(), optim=options(epochs=1))
    with pytest.raises(CheckpointError) as caught:
        fcmae.load(weights)
    assert "holds an autoencoder with its own decoder torch.nn.modules.conv.Conv2d" in str(
        caught.value
    )
    assert str(caught.value).endswith("model=...), made of the same parts.")
    again = fcmae.load(weights, model=mine())
    assert_close(dict(again.state_dict()), newest(tmp_path).tensors("ema"), rtol=0, atol=0)
    encoder = Encoder(ARCHITECTURE)
    load_into(encoder, weights)
    assert_close(encoder.state_dict(), again.encoder.state_dict(), rtol=0, atol=0)


def test_a_model_of_ours_may_be_filled_too(tmp_path: Path) -> None:
    weights = train(tmp_path, task=ToyTask(), optim=options(epochs=1)).weights
    model = Classifier(ARCHITECTURE, num_classes=CLASSES)
    assert fcmae.load(weights, model=model) is model
    assert_close(dict(model.state_dict()), dict(load_model(weights)[0].state_dict()))


class Strange(nn.Module):
    """A module that saves what is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def get_extra_state(self) -> dict[str, int]:
        return {"a": 1}


class WithInfinity(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)
        self.register_buffer("mask", torch.full((2, 2), -torch.inf))


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Strange(), "_extra_state in the state of Strange is a dict, not a tensor"),
        (nn.LazyLinear(3), "weight in the state of LazyLinear is a UninitializedParameter"),
        (WithInfinity(), r"mask of WithInfinity holds NaN or infinity before the first step"),
    ],
)
def test_a_state_that_no_checkpoint_could_hold_is_told_before_the_first_step(
    model: nn.Module, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=says):
        run(tmp_path / "out", task=MyTask(model))
    assert not (tmp_path / "out").exists()


def test_a_task_keeps_its_weights_in_its_model(tmp_path: Path) -> None:
    class Outside(MyTask):
        def __init__(self) -> None:
            super().__init__()
            self.extra = nn.Linear(2, 2)

    class Without(Task):
        def forward(self, batch: Batch) -> Step:
            return Step(loss=torch.zeros(()))

    with pytest.raises(ValueError, match=r"Outside\.extra\.weight is outside of Outside\.model"):
        run(tmp_path, task=Outside())
    with pytest.raises(ValueError, match=r"Without has no model: set self\.model"):
        run(tmp_path, task=Without())
    frozen = Outside()
    frozen.extra.requires_grad_(False)
    run(tmp_path, task=frozen, optim=options(epochs=1))


def test_a_run_needs_no_more_than_an_optimizer_and_a_place(tmp_path: Path) -> None:
    outcome = fcmae.fit(MyTask(), ToyFeed(), optim=options(epochs=1), out=str(tmp_path))
    assert outcome.weights == tmp_path / "weights.safetensors"
