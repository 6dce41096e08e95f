"""From pictures to normalised tensors, and back to what can be shown."""

from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fcmae.data.modes import Picture
from fcmae.data.options import Loader

SHOWN = 3.0
"""Standard deviations on either side of the mean that are shown of images with little contrast."""

NARROW = 0.25
"""Images that fill less than this part of their type's range have little contrast."""


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Mean and standard deviation of each channel, in the units of ``fcmae.data.image``."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, loader: Loader, channels: int) -> "Normalisation":
        """The loader's values, or their average for every channel where their number differs."""
        if len(loader.mean) == channels:
            return cls(mean=loader.mean, std=loader.std)
        return cls(mean=(fmean(loader.mean),) * channels, std=(fmean(loader.std),) * channels)

    def __call__(
        self,
        picture: Picture,
        out: Float[Tensor, "c h w"] | None = None,
        *,
        keep_missing: bool = False,
    ) -> Float[Tensor, "c h w"]:
        """A picture as a normalised tensor, written into ``out`` where that is given.

        Missing pixels get the mean of their channel, or stay NaN if they are to be kept.
        """
        # NumPy, because PyTorch would start threads for such a small task.
        full = 255.0 if picture.dtype == np.uint8 else 1.0
        scale = (1 / (full * np.array(self.std))).astype(np.float32)[:, None, None]
        shift = (np.array(self.mean) / np.array(self.std)).astype(np.float32)[:, None, None]
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
        image = np.empty(planes.shape, np.float32) if out is None else out.numpy()
        image[...] = planes
        image *= scale
        image -= shift
        if picture.dtype != np.uint8 and not keep_missing:
            np.nan_to_num(image, copy=False)
        return torch.from_numpy(image) if out is None else out

    def undo(self, images: Float[Tensor, "*n c h w"]) -> Float[Tensor, "*n c h w"]:
        """Normalised images as they are shown, in [0, 1]; what lies outside is clipped."""
        mean, std = (images.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        low, high = (images.new_tensor(values)[:, None, None] for values in self.shown)
        return ((images * std + mean - low) / (high - low)).clamp(0, 1)

    @property
    def shown(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """What is shown as black and as white in each channel.

        0 and 1, but where images fill little of that, or leave it: so many deviations around the
        mean.
        """
        channels = list(zip(self.mean, self.std, strict=True))
        low = tuple(mean - SHOWN * std for mean, std in channels)
        high = tuple(mean + SHOWN * std for mean, std in channels)
        spans = [b - a for a, b in zip(low, high, strict=True)]
        if min(spans) >= NARROW and min(low) >= -1 and max(high) <= 2:
            return (0.0,) * len(low), (1.0,) * len(high)
        return low, high
