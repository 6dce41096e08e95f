"""Watches a pre-training for collapse of its features."""

import json
from pathlib import Path

import numpy as np
from torch import nn

from fcmae.analysis.feature_distance import feature_distance
from fcmae.analysis.pictures import distance_curves
from fcmae.data.image_list import ImageList
from fcmae.evaluation.alike import remarks_on
from fcmae.evaluation.viewing import Viewing
from fcmae.files.durable import write_text
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.contraster import Contraster
from fcmae.process_group import Peers
from fcmae.task import Evaluation


class FeatureDistance(Evaluation):
    """Measures how far apart the channels of each block are, which falls when they collapse."""

    name = "feature_distance"

    def __init__(self, images: ImageList, viewing: Viewing, *, every: int) -> None:
        self.images, self.viewing, self.every = images, viewing, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """The distance in each block, and its smallest and mean value; nothing without images."""
        assert isinstance(model, Autoencoder | Contraster)
        batches = self.viewing.batches(self.images, peers, or_none=True)
        found = feature_distance(model.encoder, batches, peers)
        self.unusable, distances = found.unusable, found.of_blocks
        self.remarks = remarks_on(found.between_images)
        if not distances:
            return {}
        if peers.leads:
            curves = _with_earlier(folder / "feature_distance.json", epoch, distances)
            distance_curves(curves, folder / "feature_distance.png")
        blocks = {f"block_{number:02}": value for number, value in enumerate(distances)}
        return {"mean": float(np.mean(distances)), "min": min(distances), **blocks}


def _with_earlier(path: Path, epoch: int, values: list[float]) -> dict[int, list[float]]:
    """The values of this epoch and of those before, kept in a file so that a run may be resumed."""
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kept = {int(name): earlier for name, earlier in found.items() if int(name) < epoch}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, json.dumps({**kept, epoch: values}) + "\n")
    return {**kept, epoch: values}
