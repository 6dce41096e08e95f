"""Options and results of writing features, and of evaluating them."""

from dataclasses import dataclass, field
from pathlib import Path

from fcmae.checkpoint.options import Rule
from fcmae.data.source import ImageSource
from fcmae.inference.options import InferenceOptions, PredictOptions
from fcmae.model.options import EncoderOptions
from fcmae.notebook import Result
from fcmae.setup.nets import check_model
from fcmae.setup.preflight import check_labelled


@dataclass(frozen=True, kw_only=True)
class Embed(PredictOptions):
    """Write the feature vector of each image, for search, clustering or a classifier of your own.

    It is what a classifier's head sees: the mean over positions, then a LayerNorm.
    """

    out: Path
    """Table to write: .npz, .parquet or .csv."""


@dataclass(frozen=True, kw_only=True)
class Embedded(Result):
    """Features that were written.

    Attributes:
        out: The table: the columns ``path`` and ``features``.
        images: Number of vectors.
        width: Length of a vector.
        unusable: Files left out, with the reason.
    """

    out: Path
    images: int
    width: int
    unusable: list[dict[str, str]] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class EvaluateFeatures(InferenceOptions):
    """Options of what compares the features of an encoder with labels."""

    data: ImageSource
    """Folder with one folder per class, or with train and val folders of those, or a .csv list."""

    val: ImageSource | None = None
    """Images to test on, where they are not in data/val."""

    val_share: float = 0.2
    """Share of each class to test on, where there are no images for that."""

    weights: str | None = None
    """Folder of a run, weights file, or the name of published weights; left out, an untrained
    encoder is the baseline."""

    adapt: Rule | None = None
    """Make the stem of the weights one for encoder.channels: repeat takes its channels in turn,
    average the mean of them for each; both times old / new channels."""

    model: str | None = None
    """Size of the untrained encoder (atto), or timm:NAME for a net of timm."""

    labels_per_class: int | None = None
    """Learn from so many labelled images of each class, drawn by the seed; by default from all."""

    seed: int = 0
    """Draws the untrained encoder and the labelled images."""

    encoder: EncoderOptions = EncoderOptions()

    def __post_init__(self) -> None:
        check_labelled(self.val_share, self.labels_per_class, self.seed)
        check_model(self.model)


@dataclass(frozen=True, kw_only=True)
class EvaluateNeighbours(EvaluateFeatures):
    """Accuracy of weighted nearest neighbours on the features: no training at all."""

    k: int = 20
    """How many neighbours vote."""

    temperature: float = 0.07
    """Sharpness of the vote: a neighbour counts exp(similarity / temperature)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k < 1:
            raise ValueError(f"k is {self.k}, but at least 1 neighbour has to vote.")
        if not self.temperature > 0:
            raise ValueError(f"temperature is {self.temperature}, but must be above 0.")


@dataclass(frozen=True, kw_only=True)
class EvaluateLinear(EvaluateFeatures):
    """Accuracy of a linear classifier on frozen features (logistic regression)."""

    seed: int = 0
    """Draws the untrained encoder, the labelled images, and the part that weight decay is chosen
    on."""
