"""What ``fcmae analyze`` may be asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from fcmae.inference.options import EvaluateOptions
from fcmae.model.options import Encoder

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


@dataclass(frozen=True, kw_only=True)
class Analyze(EvaluateOptions):
    """Look inside an encoder: is it healthy, what does it react to, which images are alike to it?

    Every picture has its numbers beside it, and analysis.json tells what each one shows.
    docs/analyze.md has the definitions.
    """

    weights: str
    """Folder of a run, weights file, the name of published weights, such as timm:NAME, or the name
    of a model, such as v1-atto, for one with random weights: random:timm:NAME for a net of timm."""

    data: Path
    """Folder with one folder per class (or with a val folder of those, which is then taken), list,
    pack, or folder of images; without classes, what needs them is left out."""

    out: Path | None = None
    """Folder for pictures and numbers; by default analysis in the folder of the weights."""

    compare: str | None = None
    """Another model to draw beside it, named in the same way; its blocks are compared with those of
    the first by linear CKA."""

    what: list[What] | None = None
    """Analyses to do; by default all that apply."""

    images: int = 256
    """Images to look at, at most: drawn by the seed, taken from all classes in turn."""

    rows: int = 8
    """Images on a sheet of neighbours or of Grad-CAM, and classes on a sheet of mistakes."""

    k: int = 6
    """Neighbours to show of each image."""

    seed: int = 0
    """Draws the images, the channels, and random weights."""

    maps: MapOptions = MapOptions()
    encoder: Encoder = Encoder()

    def __post_init__(self) -> None:
        for name, least in (("images", 2), ("rows", 1), ("k", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least {least}.")
        if self.images > MOST_IMAGES:
            raise ValueError(
                f"images is {self.images}, but must be at most {MOST_IMAGES}, because every two of "
                "them are compared."
            )
        if self.maps != MapOptions() and "activation_maps" not in (self.what or get_args(What)):
            raise ValueError(
                "maps is for activation_maps, which what does not name: name it too, or leave "
                "--maps out."
            )
