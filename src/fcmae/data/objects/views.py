"""Views of images with objects: large-scale jitter to train on, fitted images to judge by.

Jitter is that of section A.3 of the paper, as mmdetection has it; the region is cut out before it
is resized, which is the same and quicker.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torchvision.ops import masks_to_boxes
from torchvision.transforms.v2 import functional as change

from fcmae.data.annotations import Annotation, Annotations
from fcmae.data.image_list import ImageList
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.objects.outlines import mask_at
from fcmae.data.objects.summary import SMALLEST_PX
from fcmae.data.objects.table import Objects
from fcmae.data.options import Jitter
from fcmae.data.scene import SceneView, from_scene, to_scene
from fcmae.data.targets import ViewTarget

Boxes = Float[Tensor, "m 4"]


@dataclass(frozen=True)
class LargeScaleJitter(SceneView):
    """The image made larger or smaller at random, and as much of it as fits into the view.

    The labels are ``boxes``, ``labels``, ``masks`` where there are outlines, and ``fitted``: height
    and width of the picture in the upper left corner, the rest of the view being mean colour.

    Attributes:
        size: Height and width of the view.
        jitter: How much larger or smaller.
        own_size: The factors are of the image's own size, not of that at which it fits the view.
    """

    size: tuple[int, int]
    jitter: Jitter = field(default_factory=Jitter)
    own_size: bool = False

    def __call__(
        self, picture: Picture, annotation: Annotation, normalise: Normalisation
    ) -> tuple[Float[Tensor, "c h w"], ViewTarget]:
        """One augmented view."""
        low, high = self.jitter.factors(own_size=self.own_size)
        have = (picture.shape[0], picture.shape[1])
        factor = low + (high - low) * float(torch.rand(()))
        if not self.own_size:
            factor *= _factor(have, self.size)
        region = [
            min(side, max(1, round(w / factor))) for side, w in zip(have, self.size, strict=True)
        ]
        top, left = (
            int(torch.randint(side - part + 1, ())) for side, part in zip(have, region, strict=True)
        )
        fitted = [
            min(w, max(1, round(part * factor))) for part, w in zip(region, self.size, strict=True)
        ]
        flip = self.jitter.flip and bool(torch.rand(()) < 0.5)
        rows, columns = slice(top, top + region[0]), slice(left, left + region[1])
        image, _ = to_scene(picture[rows, columns], {})
        image = change.resize(image, fitted, antialias=True)
        target = _objects(annotation, have, (rows, columns), fitted)
        if flip:
            image, target = change.horizontal_flip(image), _flipped(target, fitted[1])
        padding = (0, self.size[1] - fitted[1], 0, self.size[0] - fitted[0])
        if "masks" in target:
            target["masks"] = F.pad(target["masks"], padding)
        target["fitted"] = torch.tensor(fitted)
        # After normalisation 0 is the mean colour.
        return F.pad(from_scene(image, normalise), padding), target


@dataclass(frozen=True)
class Fit(SceneView):
    """The whole image in the largest size that fits, filled up with mean colour to fit the stride.

    The labels are ``original``, height and width of the picture in the file, and ``fitted``, as it
    is in the view.

    Attributes:
        within: Height and width to fit into, whichever way round suits the image.
        stride: The encoder's.
    """

    within: tuple[int, int]
    stride: int
    size = None

    def __call__(
        self, picture: Picture, annotation: Annotation, normalise: Normalisation
    ) -> tuple[Float[Tensor, "c h w"], ViewTarget]:
        """The one view there is."""
        have = (picture.shape[0], picture.shape[1])
        factor = _factor((min(have), max(have)), (min(self.within), max(self.within)))
        fitted = [max(1, round(side * factor)) for side in have]
        image, _ = to_scene(picture, {})
        shown = from_scene(change.resize(image, fitted, antialias=True), normalise)
        padded = F.pad(shown, (0, -fitted[1] % self.stride, 0, -fitted[0] % self.stride))
        return padded, {"original": torch.tensor(have), "fitted": torch.tensor(fitted)}


@dataclass(frozen=True, eq=False)
class Sizes(Annotations):
    """No labels, but still a look at whether images have the size that their labels say."""

    objects: Objects | None

    def read(self, index: int, size: tuple[int, int]) -> Annotation:
        """Nothing, or the error for an image of another size."""
        if self.objects is not None:
            self.objects.check_size(index, size)
        return {}

    def subset(self, indices: NDArray[np.int64]) -> "Sizes":
        """The sizes of the images with these indices."""
        return Sizes(None if self.objects is None else self.objects.subset(indices))

    def renumbered(self, table: NDArray[np.int64]) -> "Sizes":
        """The same."""
        return self

    def fingerprint(self) -> str:
        """Changes when the sizes do."""
        return "" if self.objects is None else str(self.objects.sizes.tolist())


def to_look_at(images: ImageList) -> ImageList:
    """The same images for ``Fit``, which needs no labels; those that there are stay unread."""
    objects = images.annotations if isinstance(images.annotations, Objects) else None
    return replace(images, labels=None, annotations=Sizes(objects))


def _factor(have: tuple[int, int], within: tuple[int, int]) -> float:
    """Largest factor by which an image still fits into a height and width."""
    return min(w / side for side, w in zip(have, within, strict=True))


def _objects(
    annotation: Annotation, size: tuple[int, int], region: tuple[slice, slice], fitted: list[int]
) -> ViewTarget:
    """The objects of a region of an image that is resized to a height and width."""
    (top, bottom), (left, right) = ((part.start, part.stop) for part in region)
    ends = np.minimum(annotation["boxes"][:, 2:], (right, bottom))
    near = (ends > np.maximum(annotation["boxes"][:, :2], (left, top))).all(axis=1)
    scale = torch.tensor([fitted[1] / (right - left), fitted[0] / (bottom - top)]).repeat(2)
    moved = (torch.tensor(annotation["boxes"][near]) - torch.tensor([left, top, left, top])) * scale
    boxes = moved.clamp(min=0).minimum(torch.tensor([fitted[1], fitted[0]]).repeat(2))
    target = {"boxes": boxes, "labels": torch.tensor(annotation["labels"][near])}
    seen = torch.ones(len(boxes), dtype=torch.bool)
    if "outlines" in annotation:
        rows, columns = (_nearest(part, side) for part, side in zip(region, fitted, strict=True))
        masks = torch.zeros(len(boxes), *fitted, dtype=torch.bool)
        for mask, outline in zip(masks, annotation["outlines"][near], strict=True):
            mask.copy_(torch.from_numpy(mask_at(outline, size, rows, columns)))
        seen = masks.flatten(1).any(dim=1)
        # What a crop leaves of an object may be narrower than what it leaves of its box.
        cut = seen & (moved - boxes).abs().gt(1).any(dim=1)
        if cut.any():
            boxes[cut] = masks_to_boxes(masks[cut]) + torch.tensor([0, 0, 1, 1])
        target["masks"] = masks
    kept = seen & ((boxes[:, 2:] - boxes[:, :2]) >= SMALLEST_PX).all(dim=1)
    return {name: values[kept] for name, values in target.items()}


def _nearest(part: slice, length: int) -> NDArray[np.int64]:
    """The pixel nearest to each of so many that are spread over a part, as PyTorch says it."""
    pixels = torch.arange(part.stop - part.start, dtype=torch.float32)
    nearest = F.interpolate(pixels[None, None], size=length, mode="nearest-exact")
    found: NDArray[np.int64] = part.start + nearest[0, 0].numpy().astype(np.int64)
    return found


def _flipped(target: ViewTarget, width: int) -> ViewTarget:
    left, top, right, bottom = target["boxes"].unbind(dim=1)
    flipped = {**target, "boxes": torch.stack([width - right, top, width - left, bottom], dim=1)}
    if "masks" in target:
        flipped["masks"] = target["masks"].flip(-1)
    return flipped
