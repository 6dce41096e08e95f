"""Draws what a model of pre-training makes of hidden patches."""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

from fcmae.analysis.reconstructions import reconstruction_grid
from fcmae.data.batch import Batch
from fcmae.data.image_list import ImageList
from fcmae.data.normalisation import Normalisation
from fcmae.evaluation.viewing import Viewing
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.reconstruction import Pictures
from fcmae.process_group import Peers
from fcmae.task import Evaluation
from fcmae.tasks.reconstruct import visible_patches


class Reconstructions(Evaluation):
    """Draws what the model makes of the same few images, under the same masks each time."""

    name = "reconstructions"

    def __init__(self, images: ImageList, viewing: Viewing, *, every: int, seed: int) -> None:
        self.images, self.viewing, self.every, self.seed = images, viewing, every, seed

    def __call__(
        self, model: nn.Module, peers: Peers, folder: Path, epoch: int
    ) -> dict[str, float]:
        """One picture; its loss is comparable from epoch to epoch."""
        assert isinstance(model, Autoencoder)
        batches = list(self.viewing.batches(self.images, or_none=True))
        self.unusable = [file for batch in batches for file in batch.unusable]
        usable = [batch for batch in batches if len(batch)]
        if not usable:
            return {}
        path = folder / f"reconstructions-{epoch:04}.png"
        loss = draw_reconstructions(model, self.viewing, usable, path, peers=peers, seed=self.seed)
        return {"loss": loss}


def draw_reconstructions(
    model: Autoencoder,
    viewing: Viewing,
    batches: Iterable[Batch],
    path: Path,
    *,
    peers: Peers,
    seed: int,
) -> float:
    """Draw input, masked input and reconstruction of every image; give back the mean loss."""
    losses: list[float] = []
    drawn: list[list[torch.Tensor]] = []
    for batch in batches:
        images = batch.images.to(peers.device)
        visible = visible_patches(model.mask, model.patch, batch, seed=seed).to(peers.device)
        with torch.no_grad(), peers.autocast():
            losses += [float(model(images, visible).loss)] * len(batch)
            made = model.pictures(images, visible)
        drawn.append([x.float().cpu() for x in (images, made.masked, made.reconstruction)])
    if peers.leads:
        images, masked, reconstruction = (torch.cat(column) for column in zip(*drawn, strict=True))
        pictures = Pictures(masked=masked, reconstruction=reconstruction)
        shift = Normalisation.of(viewing.loader, viewing.channels)
        reconstruction_grid(images, pictures, shift, path)
    return sum(losses) / len(losses)
