"""What to look at while a run trains: is it any good?"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from torch import nn

from fcmae.analysis.feature_distance import feature_distance
from fcmae.analysis.pictures import confusion_matrix, distance_curves
from fcmae.analysis.reconstructions import reconstruction_grid
from fcmae.data.batch import Batch
from fcmae.data.normalisation import Normalisation
from fcmae.evaluation.classify import classify
from fcmae.evaluation.embed import embed
from fcmae.evaluation.forward import evaluating
from fcmae.evaluation.neighbours import neighbours
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.peers import Peers
from fcmae.task import Evaluation
from fcmae.tasks.reconstruct import visible_patches

Source = Callable[[Peers], Iterable[Batch]]
"""Makes one process's share of the batches of an evaluation, anew each time it is called."""


class ReconstructionGrid(Evaluation):
    """Pictures of the same images under the same masks, at every evaluation.

    Args:
        source: The images; the first few of its first batch are drawn.
        normalisation: How to undo what the loader did.
        seed: From which their masks are derived.
        every: Epochs between pictures.
        num_images: How many to draw at most.
    """

    name = "reconstruction"

    def __init__(
        self,
        source: Source,
        normalisation: Normalisation,
        *,
        seed: int,
        every: int = 1,
        num_images: int = 8,
    ) -> None:
        self.source, self.normalisation, self.seed = source, normalisation, seed
        self.every, self.num_images = every, num_images

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """Draw ``reconstruction-EPOCH.png``; there is nothing to measure."""
        assert isinstance(model, Autoencoder)
        # Every process takes part, because a sharded model cannot run on one.
        batch = next(iter(self.source(Peers()))).to(peers.device)
        visible = visible_patches(model.mask, model.patch, batch, seed=self.seed)
        images, visible = batch.images[: self.num_images], visible[: self.num_images]
        with evaluating(model), peers.autocast():
            pictures = model.pictures(images, visible)
        if peers.leads:
            path = folder / f"reconstruction-{epoch:04d}.png"
            reconstruction_grid(images, pictures, self.normalisation, path)
        return {}


class FeatureDistance(Evaluation):
    """The collapse monitor: how different the channels of each block are (figure 4 of the paper).

    Args:
        source: The images, a few hundred are enough.
        every: Epochs between measurements.
    """

    name = "feature_distance"

    def __init__(self, source: Source, *, every: int = 1) -> None:
        self.source, self.every = source, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """One number per block, and their curve in ``feature-distance-EPOCH.png``."""
        assert isinstance(model, Autoencoder | Classifier)
        distances = feature_distance(model.encoder, self.source(peers), peers)
        if peers.leads:
            path = folder / f"feature-distance-{epoch:04d}.png"
            distance_curves({f"epoch {epoch}": distances}, path)
        return {f"block_{i:02d}": distance for i, distance in enumerate(distances, start=1)}


class NeighbourAccuracy(Evaluation):
    """How often an image's nearest neighbours are of its class, which needs no training.

    Args:
        source: Labelled images that vote.
        classes: Their names.
        test: Labelled images to classify; by default those of ``source``, each by the others.
        every: Epochs between measurements.
        k: How many neighbours vote.
    """

    name = "neighbours"

    def __init__(
        self,
        source: Source,
        classes: Sequence[str],
        *,
        test: Source | None = None,
        every: int = 1,
        k: int = 20,
    ) -> None:
        self.source, self.classes, self.test = source, classes, test
        self.every, self.k = every, k

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """Top-1 accuracy."""
        memory = embed(model, self.source(peers), peers)
        test = embed(model, self.test(peers), peers) if self.test else memory
        return {"top1": neighbours(memory, test, self.classes, k=self.k, device=peers.device).top1}


class ClassificationAccuracy(Evaluation):
    """How well a classifier does on held-out images.

    Args:
        source: Labelled images.
        classes: Names of the classes.
        every: Epochs between measurements.
    """

    name = "val"

    def __init__(self, source: Source, classes: Sequence[str], *, every: int = 1) -> None:
        self.source, self.classes, self.every = source, classes, every

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """Top-1 and, where there are more than five classes, top-5; draws ``confusion.png``."""
        assert isinstance(model, Classifier)
        result = classify(model, self.source(peers), self.classes, peers)
        if peers.leads:
            confusion_matrix(result.confusion, self.classes, folder / "confusion.png")
        return {"top1": result.top1} | ({} if result.top5 is None else {"top5": result.top5})
