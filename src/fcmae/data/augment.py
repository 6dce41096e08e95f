"""Views: how a picture of any size becomes a normalised tensor of one size.

Pre-training crops (section 3.1 of the paper), supervised augmentation (its table 10), evaluation.
What is random draws from the global generators, which the feed seeds for every single view.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from timm.data.auto_augment import RandAugment, rand_augment_transform
from timm.data.random_erasing import RandomErasing
from torch import Tensor
from torchvision.transforms import RandomResizedCrop

from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Augment, Crop
from fcmae.data.region import Region, RegionBox, aligned

RATIO = [3 / 4, 4 / 3]
"""Narrowest and widest shape of a random crop, as everywhere in the field."""

WARP_FROM = 384
"""From this size on the whole picture is evaluated, warped (the authors' datasets.py:78-83)."""


class View(ABC):
    """Makes tensors of ``size`` (height, width) out of pictures of any size.

    A view first says which region it shows, given no more than height and width, and later gets
    that region's pixels.

    Attributes:
        size: Height and width of every view.
        approximate: Whether the pixels may be those of ``fcmae.data.cut.cut``, which are quicker to
            get, instead of those of its definition.
        keeps_missing: Whether missing pixels are told in ``Batch.missing``.
    """

    size: tuple[int, int]
    approximate: bool = True
    keeps_missing: bool = False

    @abstractmethod
    def aim(self, height: int, width: int) -> Region:
        """The region that is shown of a picture of this size."""

    @abstractmethod
    def finish(self, crop: Picture, normalise: Normalisation, out: Float[Tensor, "c h w"]) -> None:
        """Write the view into its place in the batch, given the pixels of its region."""

    def numbered(self, number: int) -> "View":
        """The view of this number among several of an image; all are alike by default."""
        return self


@dataclass(frozen=True)
class Pretraining(View):
    """A random resized crop, and a flip."""

    size: tuple[int, int]
    crop: Crop = field(default_factory=Crop)
    keeps_missing = True

    def aim(self, height: int, width: int) -> Region:
        """A random region."""
        return random_region(height, width, self.size, self.crop.scale, self.crop.flip)

    def finish(self, crop: Picture, normalise: Normalisation, out: Float[Tensor, "c h w"]) -> None:
        """Nothing but normalised."""
        normalise(crop, out=out, keep_missing=True)


@dataclass(frozen=True)
class Supervised(View):
    """As timm's ``create_transform``: crop, flip, RandAugment, normalisation, random erasing."""

    size: tuple[int, int]
    augment: Augment = field(default_factory=Augment)

    def __post_init__(self) -> None:
        if self.augment.rand_augment is not None:
            rand_augment(self.augment.rand_augment, min(self.size), (0.5, 0.5, 0.5))

    def aim(self, height: int, width: int) -> Region:
        """A random region."""
        return random_region(height, width, self.size, self.augment.scale, self.augment.flip)

    def finish(self, crop: Picture, normalise: Normalisation, out: Float[Tensor, "c h w"]) -> None:
        """Augmented."""
        if self.augment.rand_augment and crop.dtype == np.uint8 and crop.shape[2] == 3:
            change = rand_augment(self.augment.rand_augment, min(self.size), normalise.mean)
            crop = np.asarray(change(Image.fromarray(crop)))
        normalise(crop, out=out)
        RandomErasing(self.augment.erase, mode="pixel", device="cpu")(out)  # in place


@dataclass(frozen=True)
class EvaluationView(View):
    """The centre: the picture is resized so that ``crop_ratio`` of it fills the view.

    What is measured is not approximated.
    """

    size: tuple[int, int]
    crop_ratio: float = 0.875
    approximate = False

    def __post_init__(self) -> None:
        if not 0 < self.crop_ratio <= 1:
            raise ValueError(f"crop_ratio is {self.crop_ratio}, but must be above 0 and at most 1.")

    def aim(self, height: int, width: int) -> Region:
        """The centre."""
        if max(self.size) >= WARP_FROM:
            box: RegionBox = (0, 0, width, height)
        else:
            box = centre_box((height, width), self.size, self.crop_ratio)
        return Region(box=box, size=self.size, context=True)

    def finish(self, crop: Picture, normalise: Normalisation, out: Float[Tensor, "c h w"]) -> None:
        """Nothing but normalised."""
        normalise(crop, out=out)


def random_region(
    height: int, width: int, size: tuple[int, int], scale: tuple[float, float], flip: bool
) -> Region:
    """Torchvision's random resized crop, aligned, every other one mirrored."""
    # torchvision draws the region from the shape alone.
    outline = torch.empty(1).expand(1, height, width)
    top, left, rows, columns = RandomResizedCrop.get_params(outline, list(scale), RATIO)
    mirrored = flip and torch.rand(1).item() < 0.5
    region = Region(box=(left, top, left + columns, top + rows), size=size, flip=mirrored)
    return aligned(region, height, width)


def centre_box(have: tuple[int, ...], want: tuple[int, int], crop_ratio: float) -> RegionBox:
    """The region that resizing the picture and cutting out its centre would leave.

    The same numbers as torchvision's Resize and CenterCrop, without the resized picture: of a
    long strip it would be enormous.
    """
    target = [int(side / crop_ratio) for side in want]
    scale = max(target[0] / have[0], target[1] / have[1])
    resized = [max(t, int(h * scale)) for t, h in zip(target, have, strict=True)]
    start = [round((r - w) / 2.0) for r, w in zip(resized, want, strict=True)]
    top, bottom = (edge * have[0] / resized[0] for edge in (start[0], start[0] + want[0]))
    left, right = (edge * have[1] / resized[1] for edge in (start[1], start[1] + want[1]))
    return left, top, right, bottom


def rand_augment(recipe: str, side: int, mean: tuple[float, ...]) -> RandAugment:
    """RandAugment from timm's notation, with the constants of timm's ``create_transform``."""
    constants = {
        "translate_const": int(side * 0.45),
        "img_mean": tuple(min(255, round(255 * value)) for value in mean),
        "interpolation": Image.Resampling.BICUBIC,
    }
    try:
        transform: RandAugment = rand_augment_transform(recipe, constants)
    except (AssertionError, ValueError) as error:
        raise ValueError(
            f"augment.rand_augment is {recipe!r}, which timm does not understand ({error}). "
            "An example is rand-m9-mstd0.5-inc1."
        ) from error
    for operation in transform.ops:
        if operation.name.startswith("Posterize"):
            operation.aug_fn = _posterize
    return transform


def _posterize(image: Image.Image, num_bits: int, **_: object) -> Image.Image:
    """As timm, which asks for 0 bits at the top magnitude: black, but recent Pillow refuses it."""
    if num_bits == 0:
        return Image.new(image.mode, image.size)
    return image if num_bits >= 8 else ImageOps.posterize(image, num_bits)
