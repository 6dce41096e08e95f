"""A task that returns something else than a step is told what a step is."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import train
from torch import Tensor
from toys import ToyTask

from fcmae.data.batch import Batch
from fcmae.task import Step


class Returning(ToyTask):
    """The toy task, whose outcome a test chooses from its loss."""

    def __init__(self, outcome: Any) -> None:
        super().__init__()
        self.outcome = outcome

    def forward(self, batch: Batch) -> Any:
        return self.outcome(super().forward(batch).loss)


def test_logs_may_be_numbers(tmp_path: Path) -> None:
    def outcome(loss: Tensor) -> Step:
        return Step(loss=loss, logs={"half": 0.5, "whole": torch.ones(())})

    train(tmp_path, task=Returning(outcome))
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    found = [json.loads(line) for line in lines if '"half"' in line]
    assert found
    assert all(line["half"] == 0.5 and line["whole"] == 1 for line in found)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (lambda loss: loss, r"returned a Tensor, but must return fcmae\.Step\(loss=\.\.\.\)"),
        (lambda loss: Step(loss=loss.repeat(2)), r"has the shape \(2,\), but must be a scalar"),
        (lambda loss: Step(loss=loss.detach()), "has no gradient"),
    ],
    ids=["bare", "vector", "detached"],
)
def test_another_outcome_is_refused(tmp_path: Path, outcome: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        train(tmp_path, task=Returning(outcome))
