from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor, nn

from fcmae.data.batch import Batch
from fcmae.evaluation.forward import evaluating, forward
from fcmae.process_group import Peers

OnProcesses = Callable[[int, Callable[[Peers], object]], list]
IMAGES = torch.arange(7.0).view(7, 1, 1, 1)
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0])


def batch(indices: Iterable[int], *, labels: bool = True, unusable: Iterable[int] = ()) -> Batch:
    index = torch.tensor(list(indices), dtype=torch.int64)
    return Batch(
        images=IMAGES[index],
        labels=LABELS[index] if labels else None,
        indices=index,
        repeats=torch.zeros_like(index),
        unusable=[(f"ö{i}.png", "\n") for i in unusable],
    )


def double(images: Tensor) -> Tensor:
    return torch.cat([2 * images.flatten(1), -images.flatten(1)], dim=1)


def test_rows_come_back_by_index() -> None:
    out = forward(double, nn.Identity(), [batch([5, 2]), batch([0])], Peers())
    assert out.indices.tolist() == [0, 2, 5]
    assert out.rows.tolist() == [[0, 0], [4, -2], [10, -5]]
    assert out.labels is not None
    assert out.labels.tolist() == [0, 2, 2]


def test_processes_together_give_what_one_gives_and_each_gets_it(on_processes: OnProcesses) -> None:
    alone = forward(double, nn.Identity(), [batch(range(7), unusable=[8, 9])], Peers())
    shares = [
        [batch([0, 2], unusable=[9]), batch([4, 6])],
        [batch([1, 3]), batch([5, 0], unusable=[8])],  # 0 a second time
        [],
    ]
    model = nn.Identity().eval()
    for together in on_processes(
        3, lambda peers: forward(double, model, shares[peers.rank], peers)
    ):
        torch.testing.assert_close(together.rows, alone.rows, rtol=0, atol=0)
        assert together.indices.tolist() == alone.indices.tolist() == list(range(7))
        assert together.labels is not None
        assert together.labels.tolist() == LABELS.tolist()
        assert together.unusable == alone.unusable == [("ö8.png", "\n"), ("ö9.png", "\n")]


def test_images_without_labels_and_batches_without_images_are_fine() -> None:
    out = forward(
        double, nn.Identity(), [batch([], unusable=[0]), batch([1], labels=False)], Peers()
    )
    assert out.labels is None
    assert out.rows.tolist() == [[2, -1]]
    assert out.unusable == [("ö0.png", "\n")]


def test_no_images_at_all_give_no_rows() -> None:
    assert forward(double, nn.Identity(), [], Peers()).rows.shape == (0, 0)


def test_modules_are_put_back_into_the_mode_they_were_in() -> None:
    model = nn.Sequential(nn.Dropout(), nn.Dropout())
    model[1].eval()
    with evaluating(model):
        assert not model.training
        assert not model[0].training
        assert not torch.is_grad_enabled()
    assert model.training
    assert model[0].training
    assert not model[1].training


def test_the_mode_is_put_back_after_an_error_too() -> None:
    model = nn.Dropout()
    with pytest.raises(RuntimeError, match="stop"), evaluating(model):
        raise RuntimeError("stop")
    assert model.training
