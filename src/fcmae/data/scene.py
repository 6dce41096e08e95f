"""Views of images whose labels have places in them: whatever moves the image moves the labels."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torchvision import tv_tensors
from torchvision.tv_tensors import BoundingBoxes, BoundingBoxFormat, Mask

from fcmae.data.annotations import Annotation
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.targets import ViewTarget


class SceneView(ABC):
    """Makes a normalised tensor and its labels of a picture and its annotation.

    What is random draws from the global generators, which the feed seeds for every single view, as
    torchvision's transforms do.

    Attributes:
        size: Height and width of every view; None if each image keeps its own and comes alone in a
            batch.
    """

    size: tuple[int, int] | None

    @abstractmethod
    def __call__(
        self, picture: Picture, annotation: Annotation, normalise: Normalisation
    ) -> tuple[Float[Tensor, "c h w"], ViewTarget]:
        """One view of the picture, and the labels as they lie in it."""


def to_scene(picture: Picture, annotation: Annotation) -> tuple[tv_tensors.Image, ViewTarget]:
    """Picture and labels as ``torchvision.transforms.v2`` takes them.

    Returns:
        The picture, ``c h w`` in its own type, and ``mask``, ``masks`` and ``boxes`` as tv_tensors,
        everything else as plain tensors.
    """
    image = tv_tensors.Image(torch.tensor(picture.transpose(2, 0, 1)))
    size = (picture.shape[0], picture.shape[1])
    return image, {name: _wrapped(name, values, size) for name, values in annotation.items()}


def _wrapped(name: str, values: NDArray[np.generic], size: tuple[int, int]) -> Tensor:
    # A copy, because the other views of the image take it too.
    tensor: Tensor = torch.tensor(values)
    if name in ("mask", "masks"):
        tensor = Mask(tensor)
    elif name == "boxes":
        tensor = BoundingBoxes(tensor, format=BoundingBoxFormat.XYXY, canvas_size=size)
    return tensor


def from_scene(image: Tensor, normalise: Normalisation) -> Float[Tensor, "c h w"]:
    """A transformed picture, uint8 or float32 in [0, 1], as a normalised tensor."""
    picture = np.ascontiguousarray(image.as_subclass(Tensor).numpy().transpose(1, 2, 0))
    return normalise(picture)


class AsItIs(SceneView):
    """The picture in its own size, for evaluation and prediction."""

    size = None

    def __call__(
        self, picture: Picture, annotation: Annotation, normalise: Normalisation
    ) -> tuple[Float[Tensor, "c h w"], ViewTarget]:
        """The one view there is."""
        _, target = to_scene(picture, annotation)
        return normalise(picture), target
