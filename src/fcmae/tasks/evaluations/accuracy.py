"""Evaluates a classifier while it trains."""

import json
from pathlib import Path

from torch import nn

from fcmae.analysis.pictures import confusion_matrix
from fcmae.data.image_list import ImageList
from fcmae.engine.folder import ACCURACY
from fcmae.evaluation.classify import classify
from fcmae.evaluation.viewing import Viewing
from fcmae.files.durable import write_text
from fcmae.model.classifier import Classifier
from fcmae.model.timm_net import TimmClassifier
from fcmae.process_group import Peers
from fcmae.task import Evaluation


class Accuracy(Evaluation):
    """Accuracy on the validation images, and the confusion matrix as a picture."""

    name = "val"

    def __init__(self, images: ImageList, viewing: Viewing, *, every: int) -> None:
        self.images, self.viewing, self.every = images, viewing, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """Top-1 and, for more than five classes, top-5."""
        assert isinstance(model, (Classifier, TimmClassifier))
        classes = list(self.images.classes or ())
        result = classify(model, self.viewing.batches(self.images, peers), classes, peers)
        self.unusable = result.unusable
        if peers.leads:
            confusion_matrix(result.confusion, classes, folder / "confusion.png")
            write_text(folder.parent / ACCURACY, json.dumps(result.summary(), indent=1) + "\n")
        top5 = {} if result.top5 is None else {"top5": result.top5}
        return {"top1": result.top1, **top5}
