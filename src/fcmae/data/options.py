"""Options of loading, cropping and augmenting images."""

from dataclasses import dataclass
from typing import Literal


def _check_share(name: str, value: float) -> None:
    if not 0 <= value <= 1:
        raise ValueError(f"{name} is {value}, but must be in [0, 1].")


def _check_scale(name: str, scale: tuple[float, float]) -> None:
    if not 0 < scale[0] <= scale[1] <= 1:
        raise ValueError(
            f"{name} is {scale}, but must be two shares of the image's area, "
            "the smaller first, above 0 and at most 1."
        )


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Limits and rules for reading one picture; those of ``Loader``, which says what they mean."""

    max_pixels: int = 64_000_000
    max_bytes: int = 256 * 2**20
    nodata: float | None = None
    planes: Literal["first", "each", "channels"] = "first"
    plane: int = 0
    """Which plane is read, from 0, where not all are channels."""


DEFAULT = Reading()
"""Reading without any option."""


@dataclass(frozen=True, kw_only=True)
class Loader:
    """Reading of files."""

    workers: int | None = None
    """Processes that decode images; by default the number of cores, at most 8. 0 decodes in the
    training process. The result of a run does not depend on it."""

    timeout_s: float = 120.0
    """Seconds to wait for a batch before the run stops and says which process hangs."""

    max_unusable: float = 0.01
    """Share of unusable files above which a run stops (100 files are always allowed, unless
    they are more than half)."""

    decode: Literal["fitting", "exact"] = "fitting"
    """How training crops get their pixels. fitting: JPEG decoded at the smallest of 1, 1/2, 1/4
    and 1/8 of its size that has as many pixels as the crop needs, and resized in integers. exact:
    decoded in full and resized by Pillow, which is slower. Evaluation is always exact."""

    max_pixels: int = Reading.max_pixels
    """Images of more pixels are refused unread."""

    max_bytes: int = Reading.max_bytes
    """Files of more bytes are refused unread."""

    nodata: float | None = None
    """Value that marks missing pixels, beside NaN and what a GeoTIFF's own tag says. They get the
    mean of their channel, and are never a target of pre-training."""

    planes: Literal["first", "each", "channels"] = "first"
    """Planes of a file (depth, time, pages, frames) beyond its channels. first: only the first is
    read. each: every plane is an image of its own, called as in stack.tif#3, with the file's
    labels. channels: all planes together are the channels of one image."""

    statistics: Literal["auto", "data", "imagenet"] = "auto"
    """Where mean and std come from if they are left out. data: measured over images to train on.
    imagenet: those of ImageNet. auto: those of the weights; without weights imagenet for grey and
    colour of 8 bits, data for all else."""

    mean: tuple[float, ...] = (0.485, 0.456, 0.406)
    """Mean of each channel; images of 8 bits are scaled to [0, 1], other integers divided by 65535,
    floats taken as they are. For other than three channels, the mean of these is used for all."""

    std: tuple[float, ...] = (0.229, 0.224, 0.225)
    """Standard deviation of each channel, in the same way."""

    @property
    def reading(self) -> Reading:
        """Limits and rules for one picture."""
        return Reading(
            max_pixels=self.max_pixels,
            max_bytes=self.max_bytes,
            nodata=self.nodata,
            planes=self.planes,
        )

    def __post_init__(self) -> None:
        if self.workers is not None and self.workers < 0:
            raise ValueError(f"loader.workers is {self.workers}, but must be 0 or more.")
        if not self.timeout_s > 0:
            raise ValueError(f"loader.timeout_s is {self.timeout_s}, but must be above 0.")
        _check_share("loader.max_unusable", self.max_unusable)
        if self.statistics not in ("auto", "data", "imagenet"):
            raise ValueError(
                f"loader.statistics is {self.statistics!r}, but must be auto, data or imagenet."
            )
        for name in ("max_pixels", "max_bytes"):
            if getattr(self, name) < 1:
                raise ValueError(f"loader.{name} is {getattr(self, name)}, but must be at least 1.")
        if not self.std or min(self.std) <= 0 or len(self.mean) != len(self.std):
            raise ValueError(
                f"loader.mean is {self.mean} and loader.std is {self.std}, but they need one value "
                "per channel each, and every standard deviation must be above 0."
            )


@dataclass(frozen=True, kw_only=True)
class Crop:
    """The augmentation of pre-training: a random resized crop, and a flip."""

    scale: tuple[float, float] = (0.2, 1.0)
    """Smallest and largest share of the image's area in a crop."""

    flip: bool = True
    """Mirror half of the crops left to right (the authors' code does, the paper does not say)."""

    def __post_init__(self) -> None:
        _check_scale("augment.scale", self.scale)


@dataclass(frozen=True, kw_only=True)
class Augment:
    """The augmentation of supervised training."""

    scale: tuple[float, float] = (0.08, 1.0)
    """Smallest and largest share of the image's area in a crop."""

    flip: bool = True
    """Mirror half of the crops left to right."""

    rand_augment: str | None = "rand-m9-mstd0.5-inc1"
    """RandAugment in timm's notation (magnitude 9, standard deviation 0.5), or null for none.
    Left out for images that do not have three channels of 8 bits."""

    erase: float = 0.25
    """Probability of erasing a random rectangle."""

    mixup: float = 0.8
    """Alpha of mixup; 0 turns it off."""

    cutmix: float = 1.0
    """Alpha of cutmix; 0 turns it off."""

    smoothing: float = 0.1
    """Label smoothing."""

    def __post_init__(self) -> None:
        _check_scale("augment.scale", self.scale)
        _check_share("augment.erase", self.erase)
        _check_share("augment.smoothing", self.smoothing)
        if self.mixup < 0 or self.cutmix < 0:
            raise ValueError(
                f"augment.mixup is {self.mixup} and augment.cutmix is {self.cutmix}, "
                "but both must be 0 or more."
            )


@dataclass(frozen=True, kw_only=True)
class Views:
    """The augmentation of contrastive learning: two views of an image, unlike each other.

    The defaults are those of MoCo v3. Jitter, grey and solarize are left out for images that do not
    have three channels of 8 bits.
    """

    scale: tuple[float, float] = (0.08, 1.0)
    """Smallest and largest share of the image's area in a crop."""

    flip: bool = True
    """Mirror half of the crops left to right."""

    jitter: float = 0.8
    """Probability of changing brightness, contrast, saturation and hue."""

    strengths: tuple[float, float, float, float] = (0.4, 0.4, 0.2, 0.1)
    """How far the jitter changes brightness, contrast, saturation and hue."""

    grey: float = 0.2
    """Probability of taking the colour away."""

    blur: tuple[float, float] = (1.0, 0.1)
    """Probability of blurring the first view, and the second."""

    blur_px: tuple[float, float] = (0.1, 2.0)
    """Smallest and largest standard deviation of the blur, in pixels of the view."""

    solarize: tuple[float, float] = (0.0, 0.2)
    """Probability of inverting the bright pixels of the first view, and of the second."""

    def __post_init__(self) -> None:
        _check_scale("augment.scale", self.scale)
        _check_share("augment.jitter", self.jitter)
        _check_share("augment.grey", self.grey)
        for name in ("blur", "solarize"):
            for share in getattr(self, name):
                _check_share(f"augment.{name} of a view", share)
        if min(self.strengths) < 0 or self.strengths[3] > 0.5:
            raise ValueError(
                f"augment.strengths is {self.strengths}, but none may be below 0, and the last, "
                "that of hue, must be at most 0.5."
            )
        if not 0 < self.blur_px[0] <= self.blur_px[1]:
            raise ValueError(
                f"augment.blur_px is {self.blur_px}, but must be two lengths above 0, the smaller "
                "first."
            )


@dataclass(frozen=True, kw_only=True)
class SceneAugment:
    """The augmentation of segmentation: resize at random, crop, flip, change colours."""

    short_side: int | Literal["crop"] | None = None
    """Shorter side in pixels that images are resized to first, or less if the longer one would be
    over four times as much; crop is that of the crops, so that they show most of a scene. By
    default images keep their size."""

    scale: tuple[float, float] = (0.5, 2.0)
    """Smallest and largest factor of that size, drawn evenly."""

    most_of_one_class: float = 0.75
    """Share of a crop that one class may fill; up to ten crops are tried."""

    flip: bool = True
    """Mirror half of the crops left to right."""

    colour: bool = True
    """Change brightness, contrast, saturation and hue of 8-bit colour images."""

    def __post_init__(self) -> None:
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(
                f"augment.scale is {self.scale}, but must be two factors above 0, the smaller "
                "first."
            )
        if isinstance(self.short_side, int) and self.short_side < 1:
            raise ValueError(f"augment.short_side is {self.short_side}, but must be at least 1.")
        _check_share("augment.most_of_one_class", self.most_of_one_class)

    def shorter(self, crop: tuple[int, int]) -> int | None:
        """The shorter side in pixels, for crops of this height and width; None for images' own."""
        return min(crop) if self.short_side == "crop" else self.short_side


@dataclass(frozen=True, kw_only=True)
class Jitter:
    """The augmentation of detection: large-scale jitter, and a flip."""

    scale: tuple[float, float] | None = None
    """Smallest and largest factor of the size at which the image just fits into the view, drawn
    evenly; of what is larger than the view, a random part is shown. By default 0.1,2. With
    tiles.size the factors are of the image's own size, by default 0.8,1.25."""

    flip: bool = True
    """Mirror half of the views left to right."""

    def __post_init__(self) -> None:
        if self.scale is not None and not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(
                f"augment.scale is {self.scale}, but must be two factors above 0, the smaller "
                "first."
            )

    def factors(self, *, own_size: bool) -> tuple[float, float]:
        """Smallest and largest factor, of images' own size or of that at which they fit."""
        return self.scale or ((0.8, 1.25) if own_size else (0.1, 2.0))
