"""Training a detector: where objects are, what they are, and their outlines."""

import torch

from fcmae.data.batch import Batch
from fcmae.errors import DataError
from fcmae.model.detector import Detector, of_image, summed
from fcmae.model.freezing import frozen_parts
from fcmae.randomness import seed_everything
from fcmae.task import Step, Task


class DetectTask(Task):
    """The losses of Mask R-CNN, each image judged on its own.

    The boxes to learn from are drawn by (seed, epoch, image), and the loss is the mean over images,
    so it is the same however a batch is cut. torchvision counts all boxes of a process's images
    together instead, and so do others: for one image at a time that is the same.

    Args:
        model: The detector.
        seed: Seed of the run.
        freeze_stages: The stem and so many first stages of the encoder do not learn.
    """

    model: Detector

    def __init__(self, model: Detector, *, seed: int, freeze_stages: int = 0) -> None:
        super().__init__()
        self.model = model
        self.seed = seed
        self.freeze(frozen_parts(model.encoder, freeze_stages))

    def forward(self, batch: Batch) -> Step:
        """Loss of a micro-batch, and each of its parts."""
        if batch.targets is None:
            raise DataError("the images have no labels, but a detector learns from boxes.")
        features = self.model.features(batch.images)
        of_images = []
        for i, target in enumerate(batch.targets):
            place = (batch.epoch, int(batch.indices[i]), int(batch.repeats[i]))
            seed_everything(self.seed, "proposals", *place)
            height, width = target["fitted"].tolist()
            image = batch.images[i : i + 1]
            of_images.append(
                self.model.losses(image, of_image(features, i), (height, width), target)
            )
        parts = {
            name: torch.stack([losses[name] for losses in of_images]).mean()
            for name in of_images[0]
        }
        return Step(loss=summed(parts), logs={name: x.detach() for name, x in parts.items()})
