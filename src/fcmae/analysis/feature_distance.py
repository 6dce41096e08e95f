"""Measures the cosine distance of channels in each block: the collapse monitor (figure 4)."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from fcmae.analysis.blocks import blocks_of, watching
from fcmae.data.batch import Batch
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
    """

    of_blocks: list[float]
    unusable: list[tuple[str, str]]


def feature_distance(
    encoder: Encoder, batches: Iterable[Batch], peers: Peers | None = None
) -> Distances:
    """Mean cosine distance between the channels of each block, averaged over images.

    Whole images are encoded, and the features are those after the expansion (4C wide: what the
    block's second linear layer sees). About 0.5 when channels have nothing in common, 0 when all
    are the same.
    """
    distances: list[Tensor] = []

    def of_blocks(images: Images) -> Float[Tensor, "n blocks"]:
        distances.clear()
        encoder(images)
        return torch.stack(distances, dim=1)

    def note(index: int, features: Features) -> None:
        distances.append(channel_distance(features))

    with watching(blocks_of(encoder), expanded=note):
        outputs = forward(of_blocks, encoder, batches, peers or Peers())
    # The mean over no image is no number.
    means = outputs.rows.double().mean(dim=0).tolist() if len(outputs.rows) else []
    return Distances(of_blocks=means, unusable=outputs.unusable)


def channel_distance(features: Features) -> Float[Tensor, " n"]:
    """Mean of (1 - cos) / 2 over all pairs of channels of an image, a channel with itself included.

    The mean of the cosines is the squared length of the mean of the normalised channels, so no
    matrix of pairs is needed. A channel that is zero everywhere has cosine 0 with every other.
    """
    mean = F.normalize(features.float(), dim=1).mean(dim=2)
    return (1 - mean.square().sum(dim=1)) / 2
