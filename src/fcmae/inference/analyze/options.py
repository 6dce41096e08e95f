"""Options and results of looking inside encoders."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from fcmae.analysis.options import MOST_IMAGES, MapOptions, What
from fcmae.data.source import ImageSource
from fcmae.flags import option
from fcmae.inference.options import EvaluateOptions
from fcmae.model.options import EncoderOptions
from fcmae.notebook import Result


@dataclass(frozen=True, kw_only=True)
class Analyze(EvaluateOptions):
    """Look inside an encoder: is it healthy, what does it react to, which images are alike to it?

    Every picture has its numbers beside it, and analysis.json tells what each one shows.
    docs/analyze.md has the definitions.
    """

    weights: str
    """Folder of a run, weights file, the name of published weights, such as timm:NAME, or the name
    of a model, such as v1-atto, for one with random weights: random:timm:NAME for a net of timm."""

    data: ImageSource
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
    encoder: EncoderOptions = EncoderOptions()

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
                f"{option('maps')} out."
            )


@dataclass(frozen=True, kw_only=True)
class Analyzed(Result):
    """Findings of analyses.

    Attributes:
        out: Folder of the pictures and numbers, with ``analysis.json``.
        images: Images looked at.
        found: What ``analysis.json`` holds: a picture, its numbers and a summary of each analysis.
        skipped: Analyses that were not done, with the reason.
        summary: The numbers of each analysis by its name, as in
            ``summary["feature_distance"]["last"]``.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    found: list[dict[str, Any]]
    skipped: dict[str, str]
    summary: dict[str, dict[str, Any]]
    unusable: list[dict[str, str]] = field(default_factory=list)
