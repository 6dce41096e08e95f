"""The measures of labels and numbers, and the loss they are learnt by."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from fcmae.data.batch import Batch
from fcmae.data.targets import Targets
from fcmae.data.values import ValueAnnotations
from fcmae.errors import DataError
from fcmae.evaluation.forward import Outputs
from fcmae.evaluation.values import average_precision, estimate, judge
from fcmae.model.build import describe, rebuild
from fcmae.model.estimator import Estimator
from fcmae.model.options import Architecture
from fcmae.tasks.estimate import EstimateTask, known_loss

SMALL = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8))


def outputs(rows: list[list[float]]) -> Outputs:
    return Outputs(
        indices=torch.arange(len(rows)),
        rows=torch.tensor(rows).view(-1, 2),
        labels=None,
        unusable=[],
    )


def test_average_precision_is_the_definition() -> None:
    scores, has = np.array([0.9, 0.8, 0.7, 0.6]), np.array([True, False, True, False])
    assert average_precision(scores, has) == pytest.approx((1 / 1 + 2 / 3) / 2)
    assert average_precision(scores, ~has) == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert average_precision(scores, np.zeros(4, dtype=np.bool_)) is None
    # Equal scores: no order among them may help or harm.
    assert average_precision(np.ones(4), has) == pytest.approx(0.5)


def test_labels_are_judged_where_they_are_known() -> None:
    truth = np.array([[1, 0], [0, np.nan], [1, np.nan]], dtype=np.float32)
    values = ValueAnnotations(table=truth, kind="labels")
    result = judge(outputs([[0.9, 0.1], [0.5, 0.9], [0.2, 0.9]]), values, ["cat", "dog"])
    cat, dog = result.per_value
    assert (cat.images, cat.positives, cat.ap) == (3, 2, pytest.approx((1 + 2 / 3) / 2))
    assert (dog.images, dog.positives, dog.ap) == (1, 0, None)
    assert result.mean_ap == cat.ap
    assert (result.mae, result.r2) == (None, None)


def test_numbers_are_judged_in_their_own_units() -> None:
    truth = np.array([[1, 5], [3, 5], [np.nan, 5]], dtype=np.float32)
    values = ValueAnnotations(table=truth, kind="numbers")
    result = judge(outputs([[1.5, 4.0], [2.0, 5.0], [9.0, 6.0]]), values, ["age", "size"])
    age, size = result.per_value
    assert (age.images, age.mae) == (2, pytest.approx(0.75))
    assert age.r2 == pytest.approx(1 - (0.25 + 1) / 2)
    assert (size.mae, size.r2) == (pytest.approx(2 / 3), None)
    assert (result.mae, result.r2) == (pytest.approx((0.75 + 2 / 3) / 2), age.r2)
    with pytest.raises(DataError, match="not one usable image"):
        judge(outputs([]), values, ["age", "size"])


def test_unknown_values_have_no_part_in_the_loss() -> None:
    said = torch.randn(3, 2, requires_grad=True)
    values = torch.tensor([[1.0, math.nan], [0.0, 1.0], [math.nan, math.nan]])
    loss = known_loss(said, values, "labels")
    terms = [
        F.binary_cross_entropy_with_logits(said[i, j], values[i, j])
        for i, j in ((0, 0), (1, 0), (1, 1))
    ]
    assert_close(loss, torch.stack(terms).sum() / 6)
    loss.backward()
    assert said.grad is not None
    assert said.grad[2].abs().sum() == said.grad[0, 1] == 0


def batch() -> Batch:
    values = torch.tensor([[10.0, 1.0], [20.0, math.nan]])
    return Batch(
        images=torch.randn(2, 3, 32, 32),
        targets=Targets.of([{"values": row} for row in values]),
        indices=torch.arange(2),
        repeats=torch.zeros(2, dtype=torch.int64),
    )


def test_numbers_are_learnt_in_units_of_their_spread() -> None:
    model = Estimator(SMALL, num_values=2, kind="numbers")
    model.shift.copy_(torch.tensor([15.0, 0.0]))
    model.scale.copy_(torch.tensor([5.0, 1.0]))
    given = batch()
    said = model.standardised(given.images)
    assert_close(model(given.images), said * torch.tensor([5.0, 1.0]) + torch.tensor([15.0, 0.0]))
    expected = ((said[0, 0] + 1) ** 2 + (said[1, 0] - 1) ** 2 + (said[0, 1] - 1) ** 2) / 4
    assert_close(EstimateTask(model)(given).loss, expected)
    assert_close(estimate(model, [given]).rows, model(given.images).detach())


def test_labels_are_told_as_probabilities() -> None:
    model, given = Estimator(SMALL, num_values=2, kind="labels"), batch()
    assert_close(estimate(model, [given]).rows, model(given.images).sigmoid().detach())
    frozen = EstimateTask(model, freeze="encoder").train()
    assert not frozen.model.encoder.training
    assert not any(p.requires_grad for p in model.encoder.parameters())


def test_an_estimator_can_be_described_and_rebuilt() -> None:
    model = Estimator(SMALL, num_values=3, kind="numbers")
    again = rebuild(describe(model))
    assert describe(again) == describe(model)
    again.load_state_dict(model.state_dict())
    with pytest.raises(ValueError, match="num_values is 0"):
        Estimator(SMALL, num_values=0, kind="labels")
