from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from runs import lines, newest, options, run_options, train
from torch import Tensor
from torch.testing import assert_close
from toys import ToyFeed, ToyTask

from fcmae.errors import NonFiniteError


def at(call: int, change: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Change the loss of one micro-batch."""
    seen: list[Tensor] = []

    def maybe(loss: Tensor) -> Tensor:
        seen.append(loss)
        return change(loss) if len(seen) == call else loss

    return maybe


def infinite_gradient(loss: Tensor) -> Tensor:
    """A finite value whose slope is infinite."""
    return loss + (loss.detach() * 0 + (loss - loss.detach())).sqrt()


@pytest.mark.parametrize(
    ("change", "words", "images"),
    [
        (lambda loss: loss * float("nan"), "the loss is nan", 2),
        (lambda loss: loss * float("inf"), "the loss is inf", 2),
        (infinite_gradient, "the norm of the gradient nan", 6),
    ],
    ids=["nan", "inf", "gradient"],
)
def test_a_broken_step_is_not_taken(
    tmp_path: Path, change: Callable[[Tensor], Tensor], words: str, images: int
) -> None:
    task, feed = ToyTask(at_step=at(12, change)), ToyFeed()  # step 6, second of two micro-batches
    with pytest.raises(NonFiniteError) as caught:
        train(tmp_path, task=task, feed=feed, run=run_options(micro_batch=4))
    message = str(caught.value)
    assert message.startswith("step 6: the loss is ")
    assert words in message
    step, _, culprits = feed.drawn[11]
    assert step == 5
    if images == 6:
        culprits = feed.drawn[10][2] + culprits
    assert f"of the images {', '.join(map(str, culprits))}." in message
    assert newest(tmp_path).step == 4
    assert [line["step"] for line in lines(tmp_path)] == [1, 2, 3, 4, 5]
    assert all(torch.isfinite(p).all() for p in task.model.parameters())


def test_weights_are_those_of_the_step_before(tmp_path: Path) -> None:
    broken = ToyTask(at_step=at(3, lambda loss: loss * float("nan")))
    with pytest.raises(NonFiniteError):
        train(tmp_path / "broken", task=broken)
    whole = ToyTask()
    snapshots = []

    def look(loss: Tensor) -> Tensor:
        snapshots.append({name: x.clone() for name, x in whole.model.state_dict().items()})
        return loss

    whole.at_step = look
    train(tmp_path / "whole", task=whole)
    assert_close(broken.model.state_dict(), snapshots[2], rtol=0, atol=0)


def test_a_learning_rate_that_blows_up_saves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NonFiniteError):
        train(tmp_path, optim=options(base_lr=1e38, clip_grad=None, warmup_epochs=0.0))
    assert not list((tmp_path / "checkpoints").glob("*"))
    assert not (tmp_path / "weights.safetensors").exists()
