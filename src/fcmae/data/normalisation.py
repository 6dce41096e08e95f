"""From pictures to normalised tensors, and back to what can be shown."""

from dataclasses import dataclass
from statistics import fmean

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from fcmae.data.modes import Picture
from fcmae.data.options import Loader


@dataclass(frozen=True, kw_only=True)
class Normalisation:
    """Mean and standard deviation of each channel of images in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, loader: Loader, channels: int) -> "Normalisation":
        """The loader's values, or their average for every channel where their number differs."""
        if len(loader.mean) == channels:
            return cls(mean=loader.mean, std=loader.std)
        return cls(mean=(fmean(loader.mean),) * channels, std=(fmean(loader.std),) * channels)

    def __call__(
        self, picture: Picture, out: Float[Tensor, "c h w"] | None = None
    ) -> Float[Tensor, "c h w"]:
        """A picture as a normalised tensor, written into ``out`` where that is given."""
        # NumPy, because PyTorch would start threads for such a small task.
        full = 255.0 if picture.dtype == np.uint8 else 1.0
        scale = (1 / (full * np.array(self.std))).astype(np.float32)[:, None, None]
        shift = (np.array(self.mean) / np.array(self.std)).astype(np.float32)[:, None, None]
        planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
        image = np.empty(planes.shape, np.float32) if out is None else out.numpy()
        image[...] = planes
        image *= scale
        image -= shift
        return torch.from_numpy(image) if out is None else out

    def undo(self, images: Float[Tensor, "*n c h w"]) -> Float[Tensor, "*n c h w"]:
        """Normalised images back in [0, 1]; what lies outside is clipped."""
        mean, std = (images.new_tensor(values)[:, None, None] for values in (self.mean, self.std))
        return (images * std + mean).clamp(0, 1)
