"""Judges the features of a pre-training by their nearest neighbours."""

from pathlib import Path

from torch import nn

from fcmae.data.image_list import ImageList
from fcmae.evaluation.alike import image_distance, remarks_on
from fcmae.evaluation.embed import embed
from fcmae.evaluation.neighbours import neighbours
from fcmae.evaluation.viewing import Viewing
from fcmae.process_group import Peers
from fcmae.task import Evaluation


class Neighbours(Evaluation):
    """Accuracy of nearest neighbours on the features so far."""

    name = "neighbours"

    def __init__(self, train: ImageList, test: ImageList, viewing: Viewing, *, every: int) -> None:
        self.train, self.test, self.viewing, self.every = train, test, viewing, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """The share of test images whose class the nearest training images name."""
        train, test = (
            embed(model, self.viewing.batches(images, peers), peers)
            for images in (self.train, self.test)
        )
        self.unusable = [*train.unusable, *test.unusable]
        self.remarks = remarks_on(image_distance(train.rows))
        found = neighbours(train, test, self.train.classes or (), device=peers.device)
        return {"top1": found.top1}
