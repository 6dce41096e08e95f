from collections.abc import Callable

import pytest
import torch

from fcmae.data.batch import Batch
from fcmae.errors import DataError
from fcmae.evaluation.accuracy import ClassAccuracy, accuracy
from fcmae.evaluation.classify import classify, predict
from fcmae.evaluation.forward import Outputs
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture
from fcmae.process_group import Peers

ARCH = Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 4, 4))


def outputs(scores: list[list[float]], labels: list[int] | None) -> Outputs:
    return Outputs(
        indices=torch.arange(len(scores)),
        rows=torch.tensor(scores),
        labels=None if labels is None else torch.tensor(labels),
        unusable=[("gone.png", "not there")],
    )


def test_each_number_is_right_on_a_case_worked_out_by_hand() -> None:
    scores = [[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.6, 0.4, 0.0], [0.1, 0.9, 0.0]]
    result = accuracy(outputs(scores, [0, 0, 0, 1]), ["cat", "dog", "owl"])
    assert result.top1 == 0.75
    assert result.top5 is None
    assert result.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert result.per_class == [
        ClassAccuracy(name="cat", images=3, recall=2 / 3, precision=1.0),
        ClassAccuracy(name="dog", images=1, recall=1.0, precision=0.5),
        ClassAccuracy(name="owl", images=0, recall=None, precision=None),
    ]
    assert result.predictions.tolist() == [0, 1, 0, 1]
    assert result.unusable == [("gone.png", "not there")]
    assert "top5" not in result.summary()
    assert result.summary()["images"] == 4


def test_top5_counts_a_label_among_the_five_highest() -> None:
    scores = torch.arange(7.0).expand(7, 7).tolist()
    result = accuracy(outputs(scores, [0, 1, 2, 3, 4, 5, 6]), list("abcdefg"))
    assert (result.top1, result.top5) == (1 / 7, 5 / 7)


def test_labels_are_needed() -> None:
    with pytest.raises(DataError, match="there are no labels to compare with"):
        accuracy(outputs([[1.0, 0.0]], None), ["cat", "dog"])


def test_a_label_that_the_model_does_not_know_is_an_error() -> None:
    with pytest.raises(DataError, match="has the label 2, but the classes are 0 to 1"):
        accuracy(outputs([[1.0, 0.0]], [2]), ["cat", "dog"])


def test_no_image_at_all_is_an_error() -> None:
    nothing = Outputs(
        indices=torch.empty(0, dtype=torch.int64),
        rows=torch.empty(0, 2),
        labels=torch.empty(0, dtype=torch.int64),
        unusable=[],
    )
    with pytest.raises(DataError, match="not one usable image"):
        accuracy(nothing, ["cat", "dog"])


def batches(images: torch.Tensor, labels: torch.Tensor, share: slice) -> list[Batch]:
    index = torch.arange(len(images))[share]
    return [
        Batch(images=images[i], labels=labels[i], indices=i, repeats=torch.zeros_like(i))
        for i in index.split(2)
    ]


def test_classify_is_exact_for_any_number_of_processes_and_any_resolution(
    on_processes: Callable[[int, Callable[[Peers], object]], list],
) -> None:
    model = Classifier(ARCH, num_classes=6).eval()
    torch.nn.init.normal_(model.head.weight)
    images, labels, names = torch.randn(7, 3, 64, 96), torch.arange(7) % 6, list("abcdef")
    alone = classify(model, batches(images, labels, slice(None)), names)
    for together in on_processes(
        2,
        lambda peers: classify(
            model, batches(images, labels, slice(peers.rank, None, peers.size)), names, peers
        ),
    ):
        assert together.summary() == alone.summary()
        assert together.predictions.tolist() == alone.predictions.tolist()
    assert alone.confusion.sum() == 7


def test_predictions_are_probabilities() -> None:
    model = Classifier(ARCH, num_classes=3)
    images = torch.randn(4, 3, 32, 32)
    out = predict(model, batches(images, torch.zeros(4, dtype=torch.int64), slice(None)))
    torch.testing.assert_close(out.rows.sum(dim=1), torch.ones(4))
    torch.testing.assert_close(out.rows, model(images).softmax(dim=1).detach())
