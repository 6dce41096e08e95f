import pytest
import torch
from torch import nn
from torch.testing import assert_close

from fcmae.optim.average import Average


def test_the_average_is_the_closed_form() -> None:
    decay, steps = 0.97, 200
    model = nn.Linear(5, 3)
    history = [model.weight.detach().double().clone()]
    average = Average(model, decay)
    for _ in range(steps):
        model.weight.data += 0.1 * torch.randn(3, 5)
        average.update(model)
        history.append(model.weight.detach().double().clone())
    expected = decay**steps * history[0] + sum(
        (1 - decay) * decay ** (steps - k) * history[k] for k in range(1, steps + 1)
    )
    found = average.state_dict()["weight"]
    assert found.dtype == torch.float32
    assert_close(found.double(), expected, rtol=0, atol=1e-6)


def test_small_updates_of_a_half_precision_model_are_not_lost() -> None:
    model = nn.Linear(4, 4).bfloat16()
    nn.init.ones_(model.weight)
    average = Average(model, 0.9999)
    nn.init.constant_(model.weight, 2.0)
    average.update(model)
    assert_close(average.state_dict()["weight"], torch.full((4, 4), 1.0001), rtol=0, atol=1e-6)


def test_counters_are_copied_and_statistics_averaged() -> None:
    model = nn.BatchNorm1d(2)
    average = Average(model, 0.5)
    model(torch.randn(8, 2))
    average.update(model)
    state = average.state_dict()
    assert state["num_batches_tracked"] == 1
    assert_close(state["running_mean"], 0.5 * model.running_mean)


def test_the_average_is_apart_from_the_model_and_can_be_restored() -> None:
    model = nn.Linear(2, 2)
    average = Average(model, 0.5)
    before = {name: x.clone() for name, x in average.state_dict().items()}
    model.weight.data.zero_()
    assert_close(average.state_dict(), before)
    average.update(model)
    average.load_state_dict(before)
    assert_close(average.state_dict(), before)
    with pytest.raises(ValueError, match="names differ"):
        average.load_state_dict({"weight": before["weight"]})
