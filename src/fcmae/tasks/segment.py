"""Training a segmenter: the class of every pixel."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from fcmae.data.annotations import IGNORE
from fcmae.data.batch import Batch
from fcmae.errors import DataError
from fcmae.model.freezing import frozen_parts
from fcmae.model.segmenter import Segmenter, enlarge
from fcmae.task import Step, Task
from fcmae.types import LabelMaps, Level


class SegmentTask(Task):
    """Cross-entropy of both heads' scores against the class of each pixel.

    Args:
        model: The segmenter.
        auxiliary_weight: Factor of the auxiliary head's loss.
        freeze_stages: The stem and so many first stages of the encoder do not learn.
    """

    model: Segmenter

    def __init__(
        self, model: Segmenter, *, auxiliary_weight: float = 0.4, freeze_stages: int = 0
    ) -> None:
        super().__init__()
        self.model = model
        self.auxiliary_weight = auxiliary_weight
        self.freeze(frozen_parts(model.encoder, freeze_stages))

    def forward(self, batch: Batch) -> Step:
        """Loss of a micro-batch, and the share of its pixels that are right."""
        labels = label_maps(batch)
        both = self.model.both(batch.images)
        size = (labels.shape[1], labels.shape[2])
        scores = enlarge(both.scores, size)
        loss = pixel_loss(scores, labels)
        auxiliary = pixel_loss(enlarge(both.auxiliary, size), labels)
        judged = labels != IGNORE
        right = ((scores.detach().argmax(dim=1) == labels) & judged).sum() / judged.sum().clamp(1)
        return Step(
            loss=loss + self.auxiliary_weight * auxiliary,
            logs={"pixel_loss": loss.detach(), "train_accuracy": right},
        )


def label_maps(batch: Batch) -> LabelMaps:
    """The class of each pixel of a batch's images."""
    if batch.targets is None:
        raise DataError("the images have no masks, but a segmenter learns from masks.")
    return torch.stack([target["mask"] for target in batch.targets]).long()


def pixel_loss(scores: Level, labels: LabelMaps) -> Float[Tensor, ""]:
    """Mean cross-entropy over all pixels, of which ignored ones count as zero.

    As in mmsegmentation. So each image has the same weight wherever its batch was cut, and a step
    is the same for any number of processes and micro-batches.
    """
    return F.cross_entropy(scores, labels, ignore_index=IGNORE, reduction="none").mean()
