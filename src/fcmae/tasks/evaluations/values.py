"""Evaluates an estimator of labels or numbers while it trains."""

import json
from pathlib import Path

from torch import nn

from fcmae.data.image_list import ImageList
from fcmae.data.values import values_of
from fcmae.engine.folder import ACCURACY
from fcmae.evaluation.values import estimate, judge
from fcmae.evaluation.viewing import Viewing
from fcmae.files.durable import write_text
from fcmae.model.estimator import Estimator
from fcmae.process_group import Peers
from fcmae.task import Evaluation


class ValueMetrics(Evaluation):
    """Measures how near the values of the validation images are."""

    name = "val"

    def __init__(self, images: ImageList, viewing: Viewing, *, every: int) -> None:
        self.images, self.viewing, self.every = images, viewing, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """Mean average precision of labels; absolute error and explained variance of numbers."""
        assert isinstance(model, Estimator)
        found = estimate(model, self.viewing.batches(self.images, peers), peers)
        result = judge(found, values_of(self.images), self.images.classes or ())
        self.unusable = result.unusable
        if peers.leads:
            folder.parent.mkdir(parents=True, exist_ok=True)
            write_text(folder.parent / ACCURACY, json.dumps(result.summary(), indent=1) + "\n")
        means = {"mean_ap": result.mean_ap, "mae": result.mae, "r2": result.r2}
        return {name: value for name, value in means.items() if value is not None}
