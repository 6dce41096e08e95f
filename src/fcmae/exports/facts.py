"""Collects the metadata of an export: labels, input, licence, lineage."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from torch import nn

from fcmae.checkpoint.card import Card
from fcmae.data.augment import WARP_FROM, EvaluationView
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader
from fcmae.exports.options import ExportPrecision, ModelPart, named
from fcmae.exports.parts import pyramid_of
from fcmae.model.classifier import Classifier
from fcmae.model.detector import Detector
from fcmae.model.encoder import encoder_of
from fcmae.model.estimator import Estimator
from fcmae.model.options import Architecture
from fcmae.model.segmenter import Segmenter


@dataclass(frozen=True, kw_only=True)
class ExportFacts:
    """Metadata of exported weights.

    Attributes:
        part: Which part of a model they are.
        architecture: The encoder's.
        num_classes: Classes, or an estimator's labels or numbers.
        classes: Their names, where there are names.
        size: Height and width in pixels of the images they were made for.
        mean: Mean of each channel of images in [0, 1], by which they are normalised.
        std: Standard deviation of each channel.
        licence: Terms that the weights are under, where they are known.
        lineage: Where the weights come from.
        stages: Stages of a pyramid.
        precision: Type of the numbers.
        card: All that the weights say about themselves.
    """

    part: ModelPart
    architecture: Architecture
    num_classes: int | None = None
    classes: tuple[str, ...] | None = None
    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    licence: str | None = None
    lineage: Any = None
    stages: tuple[int, ...] | None = None
    precision: ExportPrecision = "float32"
    card: Card

    @property
    def name(self) -> str:
        """Name of the model for people, such as ``ConvNeXt V2-Tiny``."""
        size = named(self.architecture)
        family = f"ConvNeXt V{self.architecture.version}"
        return f"{family}-{size.removeprefix('v1-').capitalize()}" if size else family

    @property
    def squash(self) -> bool:
        """True if the whole image is resized to the size, whatever its shape."""
        return max(self.size) >= WARP_FROM

    @property
    def crop_ratio(self) -> float:
        """Share of the resized image's side that the central crop keeps."""
        return 1.0 if self.squash else EvaluationView.crop_ratio

    @property
    def labels(self) -> list[str]:
        """Names of the classes; their numbers where they have no names."""
        return list(self.classes or map(str, range(self.num_classes or 0)))

    def told(self) -> dict[str, Any]:
        """Everything as JSON; what is not known is left out."""
        told = {
            "model": self.name,
            **{key: value for key, value in asdict(self).items() if key != "card"},
            "crop_ratio": self.crop_ratio,
            "resize": "bicubic, warped" if self.squash else "bicubic, centre crop",
        }
        return {key: value for key, value in told.items() if value not in (None, (), [])}

    def metadata(self) -> dict[str, str]:
        """The same as the text entries that safetensors and ONNX files have room for."""
        return {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in self.told().items()
        }


def facts_of(
    model: nn.Module,
    card: Card,
    *,
    part: ModelPart,
    size: tuple[int, int] | None = None,
    precision: ExportPrecision = "float32",
) -> ExportFacts:
    """Collects the metadata of a part of a model from the card of its weights.

    Args:
        model: The whole model.
        card: What its weights file says about itself.
        part: What is exported.
        size: Height and width of images to write down instead of the card's.
        precision: Type of the numbers.
    """
    architecture = encoder_of(model).architecture
    num_classes = _outputs(model) if part not in ("encoder", "pyramid", "autoencoder") else None
    of_images = Normalisation.of(Loader(), architecture.channels)
    classes = None if num_classes is None else card.classes
    return ExportFacts(
        part=part,
        architecture=architecture,
        num_classes=num_classes,
        classes=classes,
        size=size or card.image_size,
        mean=card.mean or of_images.mean,
        std=card.std or of_images.std,
        licence=card.licence,
        lineage=[*card.lineage] or None,
        stages=tuple(map(int, pyramid_of(model).norms)) if part == "pyramid" else None,
        precision=precision,
        card=card,
    )


def _outputs(model: nn.Module) -> int | None:
    """Number of classes or values that a model predicts."""
    match model:
        case Classifier() | Estimator():
            return model.head.out_features
        case Segmenter() | Detector():
            return model.num_classes
    return None
