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

RATIO = [3 / 4, 4 / 3]
"""Narrowest and widest shape of a random crop, as everywhere in the field."""

WARP_FROM = 384
"""From this size on the whole picture is evaluated, warped (the authors' datasets.py:78-83)."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom of a region, in pixels, not necessarily whole ones."""


class View(ABC):
    """Makes tensors of ``size`` (height, width) out of pictures of any size."""

    size: tuple[int, int]

    @abstractmethod
    def __call__(self, picture: Picture, normalise: Normalisation) -> Float[Tensor, "c h w"]:
        """One view of the picture."""


@dataclass(frozen=True)
class Pretraining(View):
    """A random resized crop, and a flip."""

    size: tuple[int, int]
    crop: Crop = field(default_factory=Crop)

    def __call__(self, picture: Picture, normalise: Normalisation) -> Float[Tensor, "c h w"]:
        """One random crop."""
        return normalise(random_crop(picture, self.size, self.crop.scale, self.crop.flip))


@dataclass(frozen=True)
class Supervised(View):
    """As timm's ``create_transform``: crop, flip, RandAugment, normalisation, random erasing."""

    size: tuple[int, int]
    augment: Augment = field(default_factory=Augment)

    def __post_init__(self) -> None:
        if self.augment.rand_augment is not None:
            rand_augment(self.augment.rand_augment, min(self.size), (0.5, 0.5, 0.5))

    def __call__(self, picture: Picture, normalise: Normalisation) -> Float[Tensor, "c h w"]:
        """One augmented crop."""
        crop = random_crop(picture, self.size, self.augment.scale, self.augment.flip)
        if self.augment.rand_augment and crop.dtype == np.uint8 and crop.shape[2] == 3:
            change = rand_augment(self.augment.rand_augment, min(self.size), normalise.mean)
            crop = np.asarray(change(Image.fromarray(crop)))
        erase = RandomErasing(self.augment.erase, mode="pixel", device="cpu")
        erased: Tensor = erase(normalise(crop))
        return erased


@dataclass(frozen=True)
class Evaluation(View):
    """The centre: the picture is resized so that ``crop_ratio`` of it fills the view."""

    size: tuple[int, int]
    crop_ratio: float = 0.875

    def __post_init__(self) -> None:
        if not 0 < self.crop_ratio <= 1:
            raise ValueError(f"crop_ratio is {self.crop_ratio}, but must be above 0 and at most 1.")

    def __call__(self, picture: Picture, normalise: Normalisation) -> Float[Tensor, "c h w"]:
        """The one view there is."""
        warp = max(self.size) >= WARP_FROM
        box = None if warp else centre_box(picture.shape[:2], self.size, self.crop_ratio)
        return normalise(resize(picture, self.size, box))


def random_crop(
    picture: Picture, size: tuple[int, int], scale: tuple[float, float], flip: bool
) -> Picture:
    """Cut out a random region, resize it, and mirror every other one."""
    # torchvision draws the region from the shape alone.
    outline = torch.empty(1).expand(1, *picture.shape[:2])
    top, left, height, width = RandomResizedCrop.get_params(outline, list(scale), RATIO)
    crop = resize(picture[top : top + height, left : left + width], size)
    return crop[:, ::-1] if flip and torch.rand(1).item() < 0.5 else crop


def centre_box(have: tuple[int, ...], want: tuple[int, int], crop_ratio: float) -> Box:
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


def resize(picture: Picture, size: tuple[int, int], box: Box | None = None) -> Picture:
    """Bicubic with antialiasing, by Pillow; channel by channel where Pillow knows no such mode."""
    height, width = size
    if picture.dtype == np.uint8 and picture.shape[2] == 3:
        image = Image.fromarray(np.ascontiguousarray(picture))
        return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box))
    channels = []
    for channel in np.moveaxis(picture, 2, 0):
        image = Image.fromarray(np.ascontiguousarray(channel))
        channels.append(np.asarray(image.resize((width, height), Image.Resampling.BICUBIC, box)))
    resized = np.stack(channels, axis=2)
    # Bicubic weights overshoot; 8 bits are clipped by Pillow already.
    return resized if picture.dtype == np.uint8 else resized.clip(0, 1)


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
