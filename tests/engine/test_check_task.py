"""A task that returns something else than a step is told what a step is."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from runs import assert_same_state, train
from torch import Tensor, nn
from toys import ToyFeed, ToyTask

from fcmae.data.batch import Batch
from fcmae.engine.check_task import check_others, check_task
from fcmae.engine.options import Run
from fcmae.engine.report import Silent
from fcmae.optim.options import Optim
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


def test_mappings_stand_for_the_options_of_a_run(tmp_path: Path) -> None:
    optim = {"batch_size": 6, "epochs": 1, "base_lr": 0.2, "ema": 0.9}
    run = {"device": "cpu", "log_every": 1}
    train(tmp_path / "mappings", optim=optim, run=run)
    train(tmp_path / "classes", optim=Optim(**optim), run=Run(**run))
    assert_same_state(tmp_path / "mappings", tmp_path / "classes")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"task": nn.Linear(2, 2)},
            r"task is <torch\.nn\..*Linear>, but must be an object of a clas",
        ),
        (
            {"task": ToyTask},
            r"task is <class toys\.ToyTask>, but must be an object of a class derive",
        ),
        (
            {"feed": np.zeros((4, 8, 8, 3))},
            r"feed is <numpy\.ndarray 4 x 8 x 8 x 3 float64>, but mus",
        ),
        ({"feed": np.zeros(4)}, r"fcmae\.Feed\(images, 224\) makes a feed of a path, an array"),
        ({"evaluations": [len]}, r"evaluations has <.*>, but must be a list of fcmae\.Evaluation"),
        ({"reporter": print}, r"reporter is <.*>, but must have the methods of fcmae\.Console"),
    ],
)
def test_what_is_no_part_of_a_run_is_refused_in_words(given: dict[str, Any], words: str) -> None:
    task = given.pop("task", ToyTask())
    others = {"feed": ToyFeed(), "evaluations": (), "reporter": Silent(), **given}
    with pytest.raises(ValueError, match=words):
        _ = check_task(task), check_others(**others)
