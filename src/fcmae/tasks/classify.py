"""Supervised training: from scratch, fine-tuning, or a linear probe by gradient descent."""

from typing import Literal

import torch.nn.functional as F

from fcmae.data.batch import Batch
from fcmae.data.mixup import mix
from fcmae.data.options import Augment
from fcmae.errors import DataError
from fcmae.model.classifier import Classifier
from fcmae.model.timm_net import TimmClassifier
from fcmae.task import Step, Task

Freeze = Literal["none", "encoder"]


class ClassifyTask(Task):
    """Cross-entropy of mixed images against their mixed, smoothed labels.

    Args:
        model: The classifier.
        augment: Mixup, cutmix and label smoothing; the loader has done the rest.
        freeze: With ``encoder``, only the head learns and the encoder stays in eval mode.
    """

    model: Classifier | TimmClassifier

    def __init__(
        self,
        model: Classifier | TimmClassifier,
        *,
        augment: Augment | None = None,
        freeze: Freeze = "none",
    ) -> None:
        super().__init__()
        self.model = model
        self.augment = augment or Augment()
        if freeze == "encoder":
            self.freeze([model.encoder])

    def forward(self, batch: Batch) -> Step:
        """Loss of a micro-batch, and the accuracy on its images as augmented."""
        if batch.labels is None:
            raise DataError("the images have no labels, but a classifier learns from labels.")
        images, targets = mix(
            batch.images, batch.labels, self.augment, self.model.head.out_features
        )
        logits = self.model(images)
        loss = F.cross_entropy(logits.float(), targets)
        right = (logits.detach().argmax(-1) == targets.argmax(-1)).float().mean()
        return Step(loss=loss, logs={"train_accuracy": right})
