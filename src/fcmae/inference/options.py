"""Options that all uses of trained models share."""

from dataclasses import dataclass
from pathlib import Path

from fcmae.checkpoint.options import Source
from fcmae.data.options import Loader
from fcmae.data.source import ImageSource, ImageSources
from fcmae.options.compute import Compute
from fcmae.options.size import Size


@dataclass(frozen=True, kw_only=True)
class InferenceOptions:
    """Options of everything that shows images to a model without training it."""

    size: Size | None = None
    """Side in pixels of the images, or height,width; by default what the weights were made for."""

    source: Source = Source()
    loader: Loader = Loader()
    run: Compute = Compute()


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(InferenceOptions):
    """Options of what compares a trained model with labels."""

    data: ImageSource
    """Folder or list of labelled images."""

    weights: str
    """Folder of a run, weights file, or the name of published weights."""


@dataclass(frozen=True, kw_only=True)
class PredictOptions(InferenceOptions):
    """Options of what writes down what a trained model makes of images."""

    data: ImageSources
    """Images, folders (read recursively) and .txt or .csv lists, one or several."""

    weights: str
    """Folder of a run, weights file, or the name of published weights."""

    out: Path
    """File or folder to write to."""
