"""Measures the cosine distance of channels in each block: the collapse monitor (figure 4)."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from fcmae.analysis.blocks import blocks_of, watching
from fcmae.data.batch import Batch
from fcmae.evaluation.alike import image_distance
from fcmae.evaluation.forward import forward
from fcmae.model.encoder import Encoder
from fcmae.process_group import Peers
from fcmae.types import Features, Images


@dataclass(frozen=True, kw_only=True)
class Distances:
    """Mean cosine distance of the channels of each block.

    Attributes:
        of_blocks: The distance in each block, in order; none if no image could be used.
        unusable: (path, reason) of the files that were left out.
        between_images: Mean cosine distance between the pooled features of two images; None of less
            than two images.
    """

    of_blocks: list[float]
    unusable: list[tuple[str, str]]
    between_images: float | None = None


def feature_distance(
    encoder: Encoder, batches: Iterable[Batch], peers: Peers | None = None
) -> Distances:
    """Mean cosine distance between the channels of each block, averaged over images.

    Whole images are encoded, and the features are those after the expansion (4C wide: what the
    block's second linear layer sees). About 0.5 when channels have nothing in common, 0 when all
    are the same.
    """
    distances, blocks = list[Tensor](), len(list(blocks_of(encoder)))

    def measured(images: Images) -> Float[Tensor, "n d"]:
        distances.clear()
        pooled = encoder(images).features.float().mean(dim=1)
        return torch.cat([torch.stack(distances, dim=1), pooled], dim=1)

    def note(index: int, features: Features) -> None:
        distances.append(channel_distance(features))

    with watching(blocks_of(encoder), expanded=note):
        outputs = forward(measured, encoder, batches, peers or Peers())
    if not len(outputs.rows):  # the mean over no image is no number
        return Distances(of_blocks=[], unusable=outputs.unusable)
    return Distances(
        of_blocks=outputs.rows[:, :blocks].double().mean(dim=0).tolist(),
        unusable=outputs.unusable,
        between_images=image_distance(outputs.rows[:, blocks:]),
    )


def channel_distance(features: Features) -> Float[Tensor, " n"]:
    """Mean of (1 - cos) / 2 over all pairs of channels of an image, a channel with itself included.

    The mean of the cosines is the squared length of the mean of the normalised channels, so no
    matrix of pairs is needed. A channel that is zero everywhere has cosine 0 with every other.
    """
    mean = F.normalize(features.float(), dim=1).mean(dim=2)
    return (1 - mean.square().sum(dim=1)) / 2
