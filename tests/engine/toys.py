"""Small things that train in milliseconds."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from fcmae.data.batch import Batch
from fcmae.errors import DataError
from fcmae.model.classifier import Classifier
from fcmae.model.options import Architecture
from fcmae.process_group import Peers
from fcmae.randomness import bits, permutation
from fcmae.task import Evaluation, Step, Task

ARCHITECTURE = Architecture(depths=(1, 0, 0, 1), dims=(4, 4, 8, 8), stem=1)
CLASSES = 3
SIDE = 8


class ToyTask(Task):
    """Classification with stochastic depth, so that a step also draws random numbers."""

    model: Classifier

    def __init__(
        self,
        drop_path: float = 0.3,
        at_step: Callable[[Tensor], Tensor] | None = None,
        architecture: Architecture = ARCHITECTURE,
    ):
        super().__init__()
        torch.manual_seed(0)
        self.model = Classifier(architecture, num_classes=CLASSES, drop_path=drop_path)
        self.at_step = at_step

    def forward(self, batch: Batch) -> Step:
        logits = self.model(batch.images)
        assert batch.labels is not None
        loss = nn.functional.cross_entropy(logits, batch.labels)
        if self.at_step is not None:
            loss = self.at_step(loss)
        right = (logits.argmax(dim=1) == batch.labels).float().mean().detach()
        return Step(loss=loss, logs={"right": right})


@dataclass(frozen=True, kw_only=True)
class ToyFeed:
    """Images that are a function of their index and epoch, as a real feed's are."""

    num_images: int = 24
    fingerprint: str = "toy"
    seed: int = 0
    drawn: list[tuple[int, int, list[int]]] = field(default_factory=list)

    def steps_per_epoch(self, batch_size: int) -> int:
        return self.num_images // batch_size

    def batches(
        self,
        *,
        first_step: int,
        last_step: int,
        batch_size: int,
        micro_batch: int,
        rank: int = 0,
        world: int = 1,
        pin_memory: bool = False,
    ) -> Generator[Batch, None, None]:
        for step in range(first_step, last_step):
            epoch, place = divmod(step, self.steps_per_epoch(batch_size))
            order = permutation(self.seed, "order", epoch, length=self.num_images)
            whole = order[place * batch_size : (place + 1) * batch_size]
            mine = whole[batch_size * rank // world : batch_size * (rank + 1) // world]
            for start in range(0, len(mine), micro_batch):
                indices = torch.from_numpy(mine[start : start + micro_batch].copy())
                self.drawn.append((step, rank, indices.tolist()))
                yield toy_batch(indices, epoch, self.seed)


def toy_batch(indices: Tensor, epoch: int, seed: int = 0) -> Batch:
    places = np.arange(3 * SIDE * SIDE)
    draws = bits(seed, "image", epoch, indices.numpy()[:, None], places) % np.uint64(1000)
    pixels = torch.from_numpy(draws.astype(np.float32))
    labels = indices % CLASSES
    images = pixels.view(-1, 3, SIDE, SIDE) / 500 - 1 + labels.view(-1, 1, 1, 1)
    return Batch(
        images=images,
        labels=labels,
        indices=indices,
        repeats=torch.zeros_like(indices),
        epoch=epoch,
    )


@dataclass
class ToyEvaluation(Evaluation):
    """Accuracy on eight images."""

    name: str = "toy"
    every: int = 1
    calls: list[int] = field(default_factory=list)

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        assert not model.training
        self.calls.append(epoch)
        batch = toy_batch(torch.arange(peers.rank, 8, peers.size), epoch=999)
        with torch.no_grad(), peers.autocast():
            rows = peers.gather(model(batch.images.to(peers.device)).float())
        assert len(rows) == 8
        return {"spread": float(rows.std())}


@dataclass
class Failing(ToyEvaluation):
    """Finds no images at the end of an epoch, on all processes or on one."""

    at: int = 1
    on: int | None = None

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        if epoch == self.at and self.on in (None, peers.rank):
            raise DataError("none of the images can be used.")
        return super().__call__(model, peers, folder, epoch)
