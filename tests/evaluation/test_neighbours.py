import math
from dataclasses import replace

import pytest
import torch

from fcmae.errors import DataError
from fcmae.evaluation import neighbours as module
from fcmae.evaluation.forward import Outputs
from fcmae.evaluation.neighbours import neighbour_scores, neighbours


def features(n: int, c: int = 6, classes: int = 3) -> Outputs:
    return Outputs(
        indices=torch.arange(n),
        rows=torch.randn(n, c),
        labels=torch.randint(classes, (n,)),
        unusable=[],
    )


def brute_force(
    train: Outputs, test: Outputs, classes: int, k: int, temperature: float, *, skip_self: bool
) -> list[list[float]]:
    """The definition, one pair after the other."""
    assert train.labels is not None
    scores = []
    for i, x in enumerate(test.rows.tolist()):
        near = []
        for j, y in enumerate(train.rows.tolist()):
            if not (skip_self and i == j):
                cosine = sum(a * b for a, b in zip(x, y, strict=True))
                near.append((cosine / math.hypot(*x) / math.hypot(*y), int(train.labels[j])))
        votes = [0.0] * classes
        for cosine, label in sorted(near, reverse=True)[:k]:
            votes[label] += math.exp(cosine / temperature)
        scores.append([vote / sum(votes) for vote in votes])
    return scores


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.07), (5, 0.07), (5, 1.0), (100, 0.5)])
@pytest.mark.parametrize("max_similarities", [2**26, 60], ids=["one chunk", "many chunks"])
def test_votes_are_those_of_the_definition(
    k: int, temperature: float, max_similarities: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SIMILARITIES", max_similarities)
    train, test = features(23), features(9)
    for memory, skip_self in [(train, False), (test, True)]:
        scores = neighbour_scores(memory, test, 3, k=k, temperature=temperature)
        expected = brute_force(memory, test, 3, k, temperature, skip_self=skip_self)
        torch.testing.assert_close(scores, torch.tensor(expected))


def test_length_does_not_matter() -> None:
    train, test = features(23), features(9)
    longer = replace(test, rows=test.rows * torch.rand(9, 1))
    torch.testing.assert_close(neighbour_scores(train, longer, 3), neighbour_scores(train, test, 3))


def test_the_result_has_the_accuracy_of_the_votes() -> None:
    train = features(40)
    assert neighbours(train, replace(train), ["a", "b", "c"], k=1).top1 == 1
    result = neighbours(train, train, ["a", "b", "c"], k=1)
    right = neighbour_scores(train, train, 3, k=1).argmax(dim=1) == train.labels
    assert result.top1 == right.sum() / 40 < 1


def test_neighbours_without_labels_are_an_error() -> None:
    train = features(4)
    with pytest.raises(DataError, match="the training images have none"):
        neighbour_scores(replace(train, labels=None), train, 3)


def test_an_image_alone_has_no_neighbours() -> None:
    train = features(1)
    with pytest.raises(DataError, match="there are 0 images to choose from and k is 20"):
        neighbour_scores(train, train, 3)
