"""The two views of contrastive learning, each augmented in its own way (MoCo v3, BYOL's recipe)."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import ceil

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torchvision.transforms import v2

from fcmae.data.augment import View, random_region
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Views
from fcmae.data.region import Region

DEVIATIONS = 3
"""So many standard deviations on each side have a share in a blurred pixel."""
BRIGHT = 128
"""From this level on solarizing inverts."""


@dataclass(frozen=True)
class Contrasting(View):
    """A random resized crop, other colours, blur, and a flip.

    Attributes:
        size: Height and width of both views.
        augment: How likely each change is in the first view and in the second.
        second: Whether this is the second view.
    """

    size: tuple[int, int]
    augment: Views = field(default_factory=Views)
    second: bool = False

    def numbered(self, number: int) -> "Contrasting":
        """Even numbers are first views, odd ones second."""
        return replace(self, second=number % 2 == 1)

    def aim(self, height: int, width: int) -> Region:
        """A random region."""
        return random_region(height, width, self.size, self.augment.scale, self.augment.flip)

    def finish(self, crop: Picture, normalise: Normalisation, out: Float[Tensor, "c h w"]) -> None:
        """Augmented."""
        image = torch.from_numpy(np.ascontiguousarray(crop.transpose(2, 0, 1)))
        coloured = crop.dtype == np.uint8 and crop.shape[2] == 3
        for change in [*(self._colours() if coloured else ()), self._blur()]:
            image = change(image)
        if coloured:
            image = v2.RandomSolarize(BRIGHT, p=self.augment.solarize[self.second])(image)
        normalise(image.numpy().transpose(1, 2, 0), out=out)

    def _colours(self) -> list[Callable[[Tensor], Tensor]]:
        jitter = v2.ColorJitter(*self.augment.strengths)
        return [
            v2.RandomApply([jitter], p=self.augment.jitter),
            v2.RandomGrayscale(self.augment.grey),
        ]

    def _blur(self) -> Callable[[Tensor], Tensor]:
        reach = min(ceil(DEVIATIONS * self.augment.blur_px[1]), min(self.size) - 1)
        blur = v2.GaussianBlur(2 * reach + 1, self.augment.blur_px)
        sometimes: Callable[[Tensor], Tensor] = v2.RandomApply(
            [blur], p=self.augment.blur[self.second]
        )
        return sometimes
