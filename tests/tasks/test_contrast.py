"""MoCo v3's step against a second, plain implementation, alone and in two processes."""

import copy
import math
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.testing import assert_close

import forking
from fcmae.checkpoint import store
from fcmae.data.batch import Batch
from fcmae.engine.fit import fit
from fcmae.engine.options import Run
from fcmae.loss.contrast import match
from fcmae.loss.options import ContrastOptions as Options
from fcmae.model.contraster import Contraster
from fcmae.model.options import Architecture, Projection
from fcmae.model.projection import GlobalBatchNorm, Projector
from fcmae.optim.options import Optim
from fcmae.process_group import Peers
from fcmae.randomness import permutation
from fcmae.tasks.contrast import ContrastTask, momentum
from forking import IGNORE_THREADS, Child

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)
SMALL = Architecture(depths=(1, 0, 0, 1), dims=(4, 4, 8, 8), stem=1)
TEMPERATURE = 0.3
IMAGES = 12
NOISE = {
    copy + name
    for copy in ("", "momentum_")
    for name in ("norm.bias", "projector.norms.0.running_mean")
}
"""Batch norm takes an offset away again, so its gradient is what rounding leaves, of which AdamW
makes steps of the usual size; the next mean is moved by them."""


def task(**changes: float) -> ContrastTask:
    torch.manual_seed(1)
    model = Contraster(SMALL, projection=Projection(hidden=12, width=6))
    for norm in model.modules():
        if isinstance(norm, GlobalBatchNorm) and norm.weight is not None:
            nn.init.normal_(norm.weight, 1.0, 0.3)
    model.start_momentum()
    return ContrastTask(model, Options(**{"temperature": TEMPERATURE, "momentum": 0.8} | changes))


def pixels(indices: Tensor, epoch: int = 0) -> Tensor:
    """Two views of each image, neighbours, a function of its index and epoch."""
    views = []
    for index in indices.tolist():
        draw = torch.Generator().manual_seed(100 * epoch + index)
        image = torch.randn(1, 3, 8, 8, generator=draw)
        views.append(image + 0.3 * torch.randn(2, 3, 8, 8, generator=draw))
    return torch.cat(views)


def batch_of(indices: Tensor, epoch: int = 0) -> Batch:
    return Batch(
        images=pixels(indices, epoch),
        indices=indices,
        repeats=torch.zeros_like(indices),
        epoch=epoch,
    )


# The same once more: PyTorch's BatchNorm, one view at a time, sums over a matrix of cosines.


def plain_head(head: Projector, x: Tensor) -> Tensor:
    for number, (layer, norm) in enumerate(zip(head.layers, head.norms, strict=True)):
        assert isinstance(norm, GlobalBatchNorm)
        x = F.batch_norm(x @ layer.weight.T, None, None, norm.weight, norm.bias, training=True)
        x = x if number == len(head.layers) - 1 else x.clamp(min=0)
    return x


def plain_vectors(model: Contraster, images: Tensor, *, key: bool) -> Tensor:
    encoder = model.momentum_encoder if key else model.encoder
    norm = model.momentum_norm if key else model.norm
    encoded = encoder(images)
    pooled = encoded.layout.to_map(encoded.features).mean(dim=(2, 3))
    pooled = F.layer_norm(pooled, pooled.shape[1:], norm.weight, norm.bias, norm.eps)
    if key:
        return plain_head(model.momentum_projector, pooled)
    return plain_head(model.predictor, plain_head(model.projector, pooled))


def plain_loss(model: Contraster, first: Tensor, second: Tensor) -> Tensor:
    total = torch.zeros((), dtype=first.dtype)
    for asked, answering in ((first, second), (second, first)):
        queries = plain_vectors(model, asked, key=False)
        keys = plain_vectors(model, answering, key=True).detach()
        lengths = queries.norm(dim=1)[:, None] * keys.norm(dim=1)[None, :]
        scores = (queries @ keys.T / lengths / TEMPERATURE).exp()
        total = total - (scores.diag() / scores.sum(dim=1)).log().mean()
    return total / 2


def test_loss_and_gradients_are_those_of_a_plain_implementation() -> None:
    given = batch_of(torch.arange(6)).map(Tensor.double)
    own = task().double()
    with torch.no_grad():  # so that the branches differ
        for parameter in own.model.momentum_projector.parameters():
            parameter.mul_(1.5)
    other = copy.deepcopy(own.model)
    loss = own(given).loss
    expected = plain_loss(other, given.images[0::2], given.images[1::2])
    assert_close(loss, expected)
    loss.backward()
    expected.backward()
    for (name, mine), theirs in zip(own.model.named_parameters(), other.parameters(), strict=True):
        if name.startswith("momentum_"):
            assert mine.grad is None
        else:
            assert_close(mine.grad, theirs.grad)


def test_a_view_is_compared_with_keys_of_the_other_view_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own, given = task(), batch_of(torch.arange(4))
    seen: list[tuple[Tensor, Tensor]] = []

    def note(queries: Tensor, keys: Tensor, **how: Any) -> Any:
        seen.append((queries, keys))
        return match(queries, keys, **how)

    monkeypatch.setattr("fcmae.tasks.contrast.match", note)
    own(given)
    own = task()
    embedded = own.model(given.images[0::2], given.images[1::2], Peers())
    for view, (queries, keys) in enumerate(seen):
        assert_close(queries, F.normalize(embedded.queries[view], dim=-1))
        assert_close(keys, F.normalize(embedded.keys[1 - view], dim=-1))


def test_the_momentum_rises_from_the_first_value_to_one_by_half_a_cosine() -> None:
    values = [momentum(0.99, step, 100) for step in range(101)]
    assert values[0] == pytest.approx(0.99)
    assert values[50] == pytest.approx(0.995)
    assert values[100] == pytest.approx(1.0)
    assert values == sorted(values)
    assert values[25] == pytest.approx(1 - 0.01 * (math.cos(math.pi / 4) + 1) / 2)


def test_the_copy_follows_the_weights_before_the_step() -> None:
    own = task()
    with torch.no_grad():
        own.model.encoder.stem.bias.add_(1.0)
    own.before_step(5, 10, Peers())
    share = 1 - momentum(0.8, 5, 10)
    assert_close(own.model.momentum_encoder.stem.bias, torch.full((4,), share))


def test_logs_tell_guessing_from_finding() -> None:
    step = task()(batch_of(torch.arange(6)))
    assert set(step.logs) == {"accuracy", "spread"}
    assert all(0 <= float(x) <= 1 and not x.requires_grad for x in step.logs.values())


# In the engine.


class PairFeed:
    """Pairs that are a function of index and epoch, and a process that may be told to die."""

    num_images = IMAGES
    fingerprint = "pairs"

    def __init__(self, die_at: int = -1) -> None:
        self.die_at = die_at

    def steps_per_epoch(self, batch_size: int) -> int:
        return self.num_images // batch_size

    def batches(
        self,
        *,
        first_step: int,
        last_step: int,
        batch_size: int,
        micro_batch: int,
        rank: int = 0,
        world: int = 1,
        pin_memory: bool = False,
    ) -> Iterator[Batch]:
        for step in range(first_step, last_step):
            if step == self.die_at:
                os.kill(os.getpid(), signal.SIGKILL)
            epoch, place = divmod(step, self.steps_per_epoch(batch_size))
            order = permutation(0, "order", epoch, length=self.num_images)
            whole = order[place * batch_size : (place + 1) * batch_size]
            mine = whole[batch_size * rank // world : batch_size * (rank + 1) // world]
            for start in range(0, len(mine), micro_batch):
                yield batch_of(torch.from_numpy(mine[start : start + micro_batch].copy()), epoch)


def train(out: Path, die_at: int = -1, **run: Any) -> None:
    """Two epochs of three steps of four images."""
    fit(
        task(),
        PairFeed(die_at),
        optim=Optim(batch_size=4, epochs=2, warmup_epochs=0.0, base_lr=0.02),
        run=Run(device="cpu", precision="float32", log_every=1, **run),
        out=out,
    )


def newest(out: Path) -> store.Saved:
    saved = store.newest_intact(out / "checkpoints").newest
    assert saved is not None
    return saved


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing has interrupted."""
    out = tmp_path_factory.mktemp("whole")
    train(out)
    return out


@pytest.mark.full(but=["1"])
@pytest.mark.parametrize("step", [1, 3, 5])
def test_killed_and_resumed_is_not_killed_at_all(whole: Path, tmp_path: Path, step: int) -> None:
    assert Child(lambda: train(tmp_path, die_at=step)).wait() == -signal.SIGKILL
    train(tmp_path)
    one, other = newest(tmp_path), newest(whole)
    assert one.step == other.step == 6
    for part in ("model", "optimizer"):
        assert_close(one.tensors(part), other.tensors(part), rtol=0, atol=0)
    names = one.tensors("model")
    assert {n.split(".")[0] for n in names} >= {"momentum_encoder", "momentum_projector"}
    assert "momentum_projector.norms.0.running_mean" in names


def test_the_copy_moves_once_a_step_however_many_micro_batches(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    own = task()
    follow = own.before_step

    def note(step: int, steps: int, peers: Peers) -> None:
        calls.append((step, steps))
        follow(step, steps, peers)

    own.before_step = note  # type: ignore[method-assign]
    optim = Optim(batch_size=4, epochs=1, warmup_epochs=0.0)
    fit(own, PairFeed(), optim=optim, run=Run(device="cpu", micro_batch=2), out=tmp_path)
    assert calls == [(0, 3), (1, 3), (2, 3)]


@pytest.mark.full
# Recent PyTorch warns of any view that leaves a sharded module; nothing writes into ours.
@pytest.mark.filterwarnings("ignore:FSDP2-wrapped module:UserWarning")
@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
def test_two_processes_do_what_one_does(whole: Path, tmp_path: Path, strategy: str) -> None:
    """Keys and batch statistics are those of the images of both."""
    codes = forking.together(lambda: train(tmp_path, strategy=strategy))
    assert codes == [0, 0]
    one, two = newest(whole), newest(tmp_path)
    for part in ("model", "optimizer"):
        expected, actual = one.tensors(part), two.tensors(part)
        for name in set(expected) - NOISE:
            # Six steps of AdamW make more of what rounding leaves than single values can show.
            largest = float(expected[name].abs().max())
            assert_close(
                actual[name], expected[name], rtol=1e-3, atol=1e-4 + 3e-3 * largest, msg=name
            )
