"""The augmentation of segmentation, as the field trains on ADE20K (section A.4 of the paper).

Resize, crop, flip and colours are those of mmsegmentation, which the paper used, up to two things:
the region is cut out before it is resized, which is the same and quicker; and brightness is
changed by a factor rather than by a sum, as torchvision does it.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2
from torchvision.transforms.v2 import functional as change

from fcmae.data.annotations import IGNORE, Annotation
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import SceneAugment
from fcmae.data.scene import SceneView, from_scene, to_scene
from fcmae.data.targets import ViewTarget

LONGEST = 4
"""The longer side is at most so many times the short side asked for (2048 x 512 on ADE20K)."""

ATTEMPTS = 10
"""Crops to try before one that shows hardly more than one class is taken."""


@dataclass(frozen=True)
class SegmentationCrop(SceneView):
    """A random crop of an image and its label map, resized at random; what it lacks is ignored."""

    size: tuple[int, int]
    augment: SceneAugment = field(default_factory=SceneAugment)

    def __call__(
        self, picture: Picture, annotation: Annotation, normalise: Normalisation
    ) -> tuple[Float[Tensor, "c h w"], ViewTarget]:
        """One augmented crop, and ``mask``."""
        factor = self.factor((picture.shape[0], picture.shape[1]))
        region = [
            min(side, max(1, round(wanted / factor)))
            for side, wanted in zip(picture.shape, self.size, strict=False)
        ]
        top, left = self._place(annotation["mask"], region)
        rows, columns = slice(top, top + region[0]), slice(left, left + region[1])
        image, target = to_scene(
            picture[rows, columns], {"mask": annotation["mask"][rows, columns]}
        )
        resized = [
            min(wanted, max(1, round(side * factor)))
            for side, wanted in zip(region, self.size, strict=True)
        ]
        # Exact: the older way takes pixels half a step up and to the left of where the image's are.
        mask = change.resize(target["mask"], resized, InterpolationMode.NEAREST_EXACT)
        image = change.resize(image, resized, antialias=True)
        if self.augment.flip and torch.rand(()) < 0.5:
            image, mask = change.horizontal_flip(image), change.horizontal_flip(mask)
        if self.augment.colour and image.dtype == torch.uint8 and image.shape[0] == 3:
            image = _other_colours(image)
        right, bottom = self.size[1] - resized[1], self.size[0] - resized[0]
        # After normalisation 0 is the mean colour.
        padded = F.pad(from_scene(image, normalise), (0, right, 0, bottom))
        return padded, {"mask": change.pad(mask, [0, 0, right, bottom], fill=IGNORE)}

    def factor(self, size: tuple[int, int]) -> float:
        """Draws the factor by which an image of this height and width is enlarged."""
        low, high = self.augment.scale
        drawn = low + (high - low) * float(torch.rand(()))
        return drawn * base_factor(size, self.augment.shorter(self.size))

    def _place(self, mask: NDArray[np.generic], region: list[int]) -> tuple[int, int]:
        """Draws a crop: the first place of a few where no class fills nearly everything."""
        for _ in range(ATTEMPTS):
            top, left = (
                int(torch.randint(have - side + 1, ()))
                for have, side in zip(mask.shape, region, strict=True)
            )
            inside = mask[top : top + region[0], left : left + region[1]]
            counts = np.bincount(inside[inside != IGNORE].ravel().astype(np.int64))
            share = counts.max() / counts.sum() if counts.sum() else 1.0
            if (counts > 0).sum() > 1 and share < self.augment.most_of_one_class:
                break
        return top, left


def base_factor(size: tuple[int, int], short_side: int | None) -> float:
    """Factor that makes an image's shorter side so many pixels long.

    Args:
        size: Its height and width.
        short_side: None leaves it as it is.
    """
    if short_side is None:
        return 1.0
    return min(short_side / min(size), LONGEST * short_side / max(size))


def _other_colours(image: Tensor) -> Tensor:
    """Brightness, contrast, saturation and hue, each of half of the images (Liu 2016)."""
    changes = [
        v2.ColorJitter(brightness=(0.875, 1.125)),
        v2.ColorJitter(contrast=(0.5, 1.5)),
        v2.ColorJitter(saturation=(0.5, 1.5)),
        v2.ColorJitter(hue=(-0.05, 0.05)),
    ]
    if torch.rand(()) < 0.5:  # contrast comes last as often as not
        changes.append(changes.pop(1))
    for transform in changes:
        if torch.rand(()) < 0.5:
            image = transform(image)
    return image
