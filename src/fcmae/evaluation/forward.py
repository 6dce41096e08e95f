"""Run a model over images, each exactly once, on one process or many."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from fcmae.data.batch import Batch
from fcmae.data.image_list import ImageList
from fcmae.process_group import Peers
from fcmae.types import Images, Labels

NO_LABEL = -1


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """One row per image, by ascending index; the same on every process and for any number of them.

    Attributes:
        indices: Index of each image in the data set.
        rows: What the model made of it, float32 on the CPU.
        labels: Class index of each image, or None where there are none.
        unusable: (path, reason) of the files that were left out.
    """

    indices: Int[Tensor, " n"]
    rows: Float[Tensor, "n d"]
    labels: Labels | None
    unusable: list[tuple[str, str]]

    def names(self, images: ImageList) -> list[str]:
        """The path of each row's image as it is shown to people."""
        return [images.name(i) for i in self.indices.tolist()]


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode without gradients, and back to the mode that each module was in."""
    before = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in before.items():
            module.training = training


def forward(
    function: Callable[[Images], Float[Tensor, "n d"]],
    model: nn.Module,
    batches: Iterable[Batch],
    peers: Peers,
) -> Outputs:
    """Apply ``function``, which runs ``model``, to this process's batches and gather all rows."""
    indices, rows, labels = [], [], []
    unusable: list[tuple[str, str]] = []
    with evaluating(model):
        for batch in batches:
            unusable += batch.unusable
            if not len(batch):
                continue
            images = batch.images.to(peers.device, non_blocking=True)
            with peers.autocast():
                out = function(images)
            rows.append(out.float().cpu())
            indices.append(batch.indices)
            labels.append(
                torch.full_like(batch.indices, NO_LABEL) if batch.labels is None else batch.labels
            )
    none = torch.empty(0, dtype=torch.int64)
    return _gather(
        peers,
        torch.cat([none, *indices]),
        torch.cat(rows) if rows else None,
        torch.cat([none, *labels]),
        unusable,
    )


def _gather(
    peers: Peers,
    indices: Tensor,
    rows: Tensor | None,
    labels: Tensor,
    unusable: list[tuple[str, str]],
) -> Outputs:
    def gather(x: Tensor) -> Tensor:
        return peers.gather(x.to(peers.device)).cpu()

    # A process without images does not know how wide the rows are.
    width = int(gather(torch.tensor([0 if rows is None else rows.shape[1]])).max())
    rows = gather(torch.empty(0, width) if rows is None else rows)
    indices, labels = gather(indices), gather(labels)
    order = torch.argsort(indices, stable=True)
    first = torch.ones(len(order), dtype=torch.bool)
    first[1:] = indices[order][1:] != indices[order][:-1]
    order = order[first]
    return Outputs(
        indices=indices[order],
        rows=rows[order],
        labels=None if (labels == NO_LABEL).all() else labels[order],
        unusable=gather_unusable(unusable, peers),
    )


def gather_unusable(unusable: list[tuple[str, str]], peers: Peers) -> list[tuple[str, str]]:
    """The files that any process had to leave out, in order, each once."""
    return sorted({(path, why) for path, why in peers.together(unusable)})
