"""Names of the analyses, and options of the activation maps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

What = Literal[
    "feature_distance", "class_selectivity", "inactive_channels", "effective_rank", "cka",
    "activation_maps", "nearest_neighbours", "pca", "tsne", "umap", "grad_cam", "mistakes",
]  # fmt: skip
"""The analyses, in the order in which they are done."""

OF_CLASSIFIERS = {"grad_cam", "mistakes"}
"""The analyses that only a classifier has."""

OF_CLASSES = {"class_selectivity", "mistakes"}
"""Those that need images of classes."""

MOST_IMAGES = 10_000


@dataclass(frozen=True, kw_only=True)
class MapOptions:
    """Activation maps (figure 3 of the paper)."""

    image: Path | None = None
    """Image to draw them of; by default one of data, drawn by the seed."""

    blocks: list[int] | None = None
    """Blocks to draw, numbered from 1 through the whole net; by default the last of each stage."""

    channels: list[int] | None = None
    """Channels to draw, from 0; by default 64 of each block, drawn by the seed."""

    def __post_init__(self) -> None:
        for name, least in (("blocks", 1), ("channels", 0)):
            values = getattr(self, name)
            if values is not None and (not values or min(values) < least):
                raise ValueError(
                    f"maps.{name} is {values}, but must be numbers of at least {least}."
                )
