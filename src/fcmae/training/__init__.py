"""The six trainings as a library, apart from any console: ``train(Pretrain(data=...))``."""

from typing import Any

from fcmae.training.classification import FinetuneClassify, Finetuned
from fcmae.training.contrastive import Contrast
from fcmae.training.detection import DetectorTrained, FinetuneDetect
from fcmae.training.options import TrainingOptions
from fcmae.training.pretraining import Pretrain
from fcmae.training.result import FinetuneResult, Trained
from fcmae.training.run import train
from fcmae.training.segmentation import FinetunedSegmenter, FinetuneSegment
from fcmae.training.unlabelled import Pretrained
from fcmae.training.values import FinetunedValues, FinetuneValues

TRAININGS: dict[str, type[TrainingOptions[Any]]] = {
    kind.command: kind
    for kind in (
        Pretrain, Contrast, FinetuneClassify, FinetuneDetect, FinetuneSegment, FinetuneValues,
    )
}  # fmt: skip
"""The options of each training by its command."""

__all__ = [
    "TRAININGS",
    "Contrast",
    "DetectorTrained",
    "FinetuneClassify",
    "FinetuneDetect",
    "FinetuneResult",
    "FinetuneSegment",
    "FinetuneValues",
    "Finetuned",
    "FinetunedSegmenter",
    "FinetunedValues",
    "Pretrain",
    "Pretrained",
    "Trained",
    "TrainingOptions",
    "train",
]
