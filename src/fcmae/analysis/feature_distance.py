"""How different the channels of each block are: the collapse monitor (figure 4 of the paper)."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from fcmae.analysis.blocks import blocks_of, watching
from fcmae.data.batch import Batch
from fcmae.errors import DataError
from fcmae.evaluation.forward import forward
from fcmae.model.encoder import Encoder
from fcmae.peers import Peers
from fcmae.types import Features, Images


def feature_distance(
    encoder: Encoder, batches: Iterable[Batch], peers: Peers | None = None
) -> list[float]:
    """Mean cosine distance between the channels of each block, in order, averaged over images.

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
    if not len(outputs.rows):
        raise DataError("the feature distance needs at least one usable image.")
    means: list[float] = outputs.rows.double().mean(dim=0).tolist()
    return means


def channel_distance(features: Features) -> Float[Tensor, " n"]:
    """Mean of (1 - cos) / 2 over all pairs of channels of an image, a channel with itself included.

    The mean of the cosines is the squared length of the mean of the normalised channels, so no
    matrix of pairs is needed. A channel that is zero everywhere has cosine 0 with every other.
    """
    mean = F.normalize(features.float(), dim=1).mean(dim=2)
    return (1 - mean.square().sum(dim=1)) / 2
