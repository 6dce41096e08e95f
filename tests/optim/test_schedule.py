import math

import pytest
import torch
from torch import nn

from fcmae.optim.build import build_optimizer
from fcmae.optim.groups import parameter_groups
from fcmae.optim.options import Optim
from fcmae.optim.schedule import learning_rate, set_learning_rate

PRETRAIN = Optim()  # 800 epochs, 40 of warm-up, peak 1.5e-4 * 4096 / 256
STEPS = 10


def test_the_first_step_has_rate_zero_and_the_last_almost() -> None:
    assert learning_rate(PRETRAIN, 0, STEPS) == 0
    assert 0 < learning_rate(PRETRAIN, 800 * STEPS - 1, STEPS) < 1e-7
    assert learning_rate(PRETRAIN, 800 * STEPS, STEPS) == 0


def test_warmup_is_linear_in_steps_and_ends_at_the_peak() -> None:
    assert PRETRAIN.peak_lr == pytest.approx(2.4e-3)
    assert learning_rate(PRETRAIN, 1, STEPS) == pytest.approx(2.4e-3 / 400)
    assert learning_rate(PRETRAIN, 399, STEPS) == pytest.approx(2.4e-3 * 399 / 400)
    assert learning_rate(PRETRAIN, 400, STEPS) == pytest.approx(2.4e-3)


def test_half_way_down_is_half_the_rate() -> None:
    assert learning_rate(PRETRAIN, 420 * STEPS, STEPS) == pytest.approx(1.2e-3)
    optim = Optim(min_lr=1e-6, warmup_epochs=0.0)
    assert learning_rate(optim, 400 * STEPS, STEPS) == pytest.approx((2.4e-3 + 1e-6) / 2)
    assert learning_rate(optim, 0, STEPS) == optim.peak_lr
    assert learning_rate(optim, 800 * STEPS, STEPS) == 1e-6


def test_a_linear_schedule_falls_evenly() -> None:
    optim = Optim(schedule="linear", epochs=10, warmup_epochs=2.0, min_lr=1e-4)
    peak = optim.peak_lr
    rates = [learning_rate(optim, step, STEPS) for step in (20, 40, 60, 80, 100)]
    shares = [(rate - 1e-4) / (peak - 1e-4) for rate in rates]
    assert shares == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0])
    assert learning_rate(optim, 10, STEPS) == pytest.approx(peak / 2)


def test_warmup_may_fill_the_run_and_be_a_part_of_an_epoch() -> None:
    whole = Optim(epochs=2, warmup_epochs=2.0)
    assert learning_rate(whole, 2 * STEPS - 1, STEPS) == pytest.approx(2.4e-3 * 19 / 20)
    part = Optim(epochs=2, warmup_epochs=0.5)
    assert learning_rate(part, 4, STEPS) == pytest.approx(2.4e-3 * 0.8)
    assert learning_rate(part, 5, STEPS) == pytest.approx(2.4e-3)


@pytest.mark.parametrize(("epochs", "warmup"), [(1, 0.1), (20, 2), (400, 40), (1600, 40)])
def test_warmup_is_a_tenth_of_the_run_unless_given(epochs: int, warmup: float) -> None:
    assert Optim(epochs=epochs).warmup == warmup
    assert Optim(epochs=epochs, warmup_epochs=0.5).warmup == 0.5


def test_the_rate_never_rises_after_warmup() -> None:
    rates = [learning_rate(PRETRAIN, step, STEPS) for step in range(400, 8001)]
    assert rates == sorted(rates, reverse=True)
    assert all(map(math.isfinite, rates))


def test_each_group_gets_the_rate_times_its_scale() -> None:
    model = nn.ModuleDict({"encoder": nn.ModuleDict({"stem": nn.Linear(2, 2)})})
    model["encoder"]["stages"] = nn.ModuleList(
        [nn.ModuleList([nn.ModuleDict({"a": nn.Linear(2, 2)})])]
    )
    model["head"] = nn.Linear(2, 2)
    optim = Optim(layer_decay=0.5)
    optimizer = build_optimizer(parameter_groups(model, optim), optim, torch.device("cpu"))
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([1.2e-3] * 2 + [2.4e-3] * 2)
    set_learning_rate(optimizer, 1.0)
    assert [g["lr"] for g in optimizer.param_groups] == [0.5, 0.5, 1.0, 1.0]


@pytest.mark.parametrize("fused", [True, False])
def test_the_optimizer_is_adamw(fused: bool) -> None:
    model = nn.Linear(3, 2)
    optim = Optim(batch_size=256, base_lr=0.1, weight_decay=0.5)
    optimizer = build_optimizer(
        parameter_groups(model, optim), optim, torch.device("cpu"), fused=fused
    )
    assert optimizer.defaults["fused"] is fused
    weight, bias = model.weight.detach().clone(), model.bias.detach().clone()
    model.weight.grad, model.bias.grad = torch.ones(2, 3), torch.ones(2)
    optimizer.step()
    # Adam's first step is the sign of the gradient; decay is decoupled, and not for the bias.
    torch.testing.assert_close(model.weight.detach(), weight * (1 - 0.1 * 0.5) - 0.1)
    torch.testing.assert_close(model.bias.detach(), bias - 0.1)
    assert all(group["betas"] == (0.9, 0.95) for group in optimizer.param_groups)
