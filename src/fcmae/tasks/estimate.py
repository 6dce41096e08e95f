"""Supervised training on several labels or numbers per image."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from fcmae.data.batch import Batch
from fcmae.errors import DataError
from fcmae.model.estimator import Estimator
from fcmae.task import Step, Task
from fcmae.tasks.classify import Freeze

ValueRows = Float[Tensor, "n values"]


class EstimateTask(Task):
    """Binary cross-entropy of each label, or squared error of each number in units of its spread.

    Args:
        model: The estimator.
        freeze: With ``encoder``, only the head learns and the encoder stays in eval mode.
    """

    model: Estimator

    def __init__(self, model: Estimator, *, freeze: Freeze = "none") -> None:
        super().__init__()
        self.model = model
        if freeze == "encoder":
            self.freeze([model.encoder])

    def forward(self, batch: Batch) -> Step:
        """Loss of a micro-batch."""
        if batch.targets is None:
            raise DataError("the images have no values to learn.")
        values = torch.stack([target["values"] for target in batch.targets])
        outputs = self.model.standardised(batch.images).float()
        if self.model.kind == "numbers":
            values = (values - self.model.shift) / self.model.scale
        return Step(loss=known_loss(outputs, values, self.model.kind))


def known_loss(outputs: ValueRows, values: ValueRows, kind: str) -> Float[Tensor, ""]:
    """Mean over all values, of which unknown ones count as zero.

    So each image has the same weight wherever its batch was cut.
    """
    known = values.isfinite()
    values = torch.where(known, values, 0.0)
    if kind == "labels":
        losses = F.binary_cross_entropy_with_logits(outputs, values, reduction="none")
    else:
        losses = F.mse_loss(outputs, values, reduction="none")
    return torch.where(known, losses, 0.0).mean()
