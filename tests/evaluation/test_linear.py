from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from fcmae.errors import DataError
from fcmae.evaluation.forward import Outputs
from fcmae.evaluation.linear import choose_held_out, fit, linear_probe, new_head

CENTRES = torch.tensor([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0], [0.0, 0.0, 3.0]])


def clusters(n: int, *, noise: float = 0.3) -> Outputs:
    labels = torch.arange(n) % 3
    rows = CENTRES[labels] + noise * torch.randn(n, 3)
    # Each feature has a scale of its own, and a fourth one is dead but for rounding.
    dead = 7 + 1e-6 * torch.rand(n, 1)
    rows = torch.cat([rows * torch.tensor([1e-3, 1.0, 1e3]), dead], dim=1)
    return Outputs(indices=torch.arange(n), rows=rows, labels=labels, unusable=[])


def test_separable_classes_are_separated() -> None:
    probe = linear_probe(clusters(60), clusters(30), ["a", "b", "c"])
    assert probe.result.top1 == 1
    assert probe.sweep[probe.weight_decay] == max(probe.sweep.values()) == 1
    assert probe.weight_decay == max(d for d, share in probe.sweep.items() if share == 1)


def test_a_feature_that_was_dead_in_training_cannot_upset_the_test() -> None:
    test = clusters(30)
    test.rows[:, 3] = 7.1
    assert linear_probe(clusters(60), test, ["a", "b", "c"]).result.top1 == 1


def test_the_probe_is_deterministic_and_leaves_the_random_state_alone() -> None:
    train, test = clusters(45, noise=2.0), clusters(30, noise=2.0)
    first = linear_probe(train, test, ["a", "b", "c"], seed=1)
    before = torch.get_rng_state()
    second = linear_probe(train, test, ["a", "b", "c"], seed=1)
    torch.testing.assert_close(torch.get_rng_state(), before, rtol=0, atol=0)
    assert first.sweep == second.sweep
    assert first.result.predictions.tolist() == second.result.predictions.tolist()


def test_many_noise_features_call_for_weight_decay() -> None:
    noise = torch.randn(90, 200)
    data = clusters(90, noise=1.0)
    wide = replace(data, rows=torch.cat([data.rows, noise], dim=1))
    assert linear_probe(wide, wide, ["a", "b", "c"]).weight_decay >= 1e-3


def test_the_fit_ends_where_the_gradient_is_zero() -> None:
    data = clusters(30, noise=2.0)
    assert data.labels is not None
    x, y = F.layer_norm(data.rows, (4,)), data.labels
    head = new_head(4, 3, None)
    fit(head, x, y, 0.01)
    loss = F.cross_entropy(head(x), y) + 0.005 * head.weight.square().sum()
    gradients = torch.autograd.grad(loss, list(head.parameters()))
    for gradient in gradients:
        torch.testing.assert_close(gradient, torch.zeros_like(gradient), atol=1e-4, rtol=0)


def test_a_fifth_of_each_class_is_held_out_and_a_single_image_is_not() -> None:
    labels = torch.tensor([0] * 10 + [1] * 5 + [2] * 2 + [3])
    held_out = choose_held_out(labels, torch.arange(18), seed=0)
    assert [int(held_out[labels == c].sum()) for c in range(4)] == [2, 1, 1, 0]
    shuffled = torch.randperm(18)
    again = choose_held_out(labels[shuffled], shuffled, seed=0)
    assert again.tolist() == held_out[shuffled].tolist()


def test_one_image_per_class_is_too_few() -> None:
    with pytest.raises(DataError, match="at least two training images of some class"):
        choose_held_out(torch.arange(3), torch.arange(3), seed=0)


def test_images_without_labels_are_an_error() -> None:
    data = clusters(6)
    with pytest.raises(DataError, match="learns from labels"):
        linear_probe(replace(data, labels=None), data, ["a", "b", "c"])
