"""Collects numbers per image and per channel from one pass through a network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from fcmae.analysis.blocks import BlockPlace, blocks_of, watching
from fcmae.analysis.feature_distance import channel_distance
from fcmae.analysis.inactive import dead_maps, saturated_maps
from fcmae.analysis.selectivity import activity
from fcmae.data.batch import Batch
from fcmae.errors import CheckpointError
from fcmae.evaluation.embed import pooled
from fcmae.evaluation.forward import Outputs, forward
from fcmae.process_group import Peers
from fcmae.types import Features, Images

PerImage = Float[Tensor, "n _"]
"""A vector for each image, as wide as the block's output."""
PerExpanded = Int[Tensor, " _"]
"""A number for each channel of a block's expanded features."""


@dataclass(frozen=True, kw_only=True)
class Inside:
    """The images that were looked at, and what each block made of them.

    Attributes:
        places: The blocks.
        images: Index, label and feature vector of each image, and the files left out.
        means: Of each block, the mean of its output over positions.
        activities: Of each block, how active its output channels are.
        distances: Of each image (rows), the feature distance in each block that expands (columns).
        dead: Of each block that expands, the number of images in which each channel is dead.
        saturated: The same for saturated.
    """

    places: list[BlockPlace]
    images: Outputs
    means: list[PerImage]
    activities: list[PerImage]
    distances: Float[Tensor, "n blocks"]
    dead: list[PerExpanded]
    saturated: list[PerExpanded]

    @property
    def expanding(self) -> list[BlockPlace]:
        """The blocks that have expanded features."""
        return [place for place in self.places if place.contract is not None]


class Notes:
    """Outputs of the blocks for a batch, and sums over all batches."""

    def __init__(self, places: Sequence[BlockPlace]) -> None:
        self.means: dict[int, Tensor] = {}
        self.activities: dict[int, Tensor] = {}
        self.distances: dict[int, Tensor] = {}
        # Of every block from the start, so that a process without images has them too.
        self.dead, self.saturated = (
            {i: _zeros(p.contract) for i, p in enumerate(places) if p.contract is not None}
            for _ in range(2)
        )

    def output(self, index: int, features: Features) -> None:
        """Note the output of a block."""
        self.means[index] = features.float().mean(dim=1)
        self.activities[index] = activity(features)

    def expanded(self, index: int, features: Features) -> None:
        """Note the expanded features of a block."""
        self.distances[index] = channel_distance(features)[:, None]
        for sums, flags in ((self.dead, dead_maps), (self.saturated, saturated_maps)):
            sums[index] = sums[index] + flags(features).sum(dim=0)

    def row(self) -> list[Tensor]:
        """Everything that is one row per image."""
        found = (*self.means.values(), *self.activities.values(), *self.distances.values())
        return list(found)


def look_inside(model: nn.Module, batches: Iterable[Batch], peers: Peers | None = None) -> Inside:
    """Show images to a model that ``pooled`` knows; no more is kept than a row for each image.

    Args:
        model: An encoder, or a model that is one with a head.
        batches: This process's share of the images.
        peers: The processes that share them.
    """
    peers, places = peers or Peers(), blocks_of(model)
    notes = Notes(places)

    def of_images(images: Images) -> Float[Tensor, "n d"]:
        vectors = pooled(model, images)
        if idle := [p.name for i, p in enumerate(places) if i not in notes.means]:
            raise CheckpointError(
                f"{len(idle)} of the {len(places)} blocks of the model, such as {idle[0]}, take no "
                "part in its features: give the weights of an encoder, or of a net with one."
            )
        rows = [vectors, *notes.row()]
        widths[:] = [row.shape[1] for row in rows]
        return torch.cat([row.float() for row in rows], dim=1)

    expanding = sum(place.contract is not None for place in places)
    widths = [0] * (1 + 2 * len(places) + expanding)
    with watching(places, output=notes.output, expanded=notes.expanded):
        outputs = forward(of_images, model, batches, peers)
    vectors, *rows = torch.split(outputs.rows, _largest(widths, peers), dim=1)
    num = len(places)
    return Inside(
        places=places,
        images=Outputs(
            indices=outputs.indices,
            rows=vectors,
            labels=outputs.labels,
            unusable=outputs.unusable,
        ),
        means=rows[:num],
        activities=rows[num : 2 * num],
        distances=torch.cat([vectors[:, :0], *rows[2 * num :]], dim=1),
        dead=_total(notes.dead, peers),
        saturated=_total(notes.saturated, peers),
    )


def _zeros(contract: nn.Module) -> Tensor:
    """A zero for each of the layer's input channels, where the layer computes."""
    weight = contract.get_parameter("weight")
    return torch.zeros(weight.shape[1], dtype=torch.int64, device=weight.device)


def _largest(numbers: list[int], peers: Peers) -> list[int]:
    """Gathers from the ranks that have seen images; the others have zeros."""
    found: list[int] = peers.gather(torch.tensor([numbers]).to(peers.device)).amax(dim=0).tolist()
    return found


def _total(sums: dict[int, Tensor], peers: Peers) -> list[PerExpanded]:
    """The sums of all processes, which have looked at different images."""
    return [peers.gather(x[None]).sum(dim=0).cpu() for x in sums.values()]
