"""Evaluates a classifier."""

from collections.abc import Iterable, Sequence

from fcmae.data.batch import Batch
from fcmae.evaluation.accuracy import ClassificationResult, accuracy
from fcmae.evaluation.forward import Outputs, forward
from fcmae.model.classifier import Classifier
from fcmae.model.timm_net import TimmClassifier
from fcmae.process_group import Peers


def classify(
    model: Classifier | TimmClassifier,
    batches: Iterable[Batch],
    classes: Sequence[str],
    peers: Peers | None = None,
) -> ClassificationResult:
    """Accuracy on labelled images, exact for any number of processes."""
    return accuracy(forward(model, model, batches, peers or Peers()), classes)


def predict(
    model: Classifier | TimmClassifier, batches: Iterable[Batch], peers: Peers | None = None
) -> Outputs:
    """The probability of each class for every image."""
    return forward(
        lambda images: model(images).float().softmax(dim=1), model, batches, peers or Peers()
    )
