"""The visible patches of a batch, as a mask over maps of any resolution."""

import torch
from jaxtyping import Bool, Int
from torch import Tensor

from fcmae.types import VisiblePatches


class PatchGrid:
    """Visible and hidden patches of a batch of images, nearest-resized to each map of a net.

    Args:
        visible: Raster indices of each image's visible patches.
        patches: Rows and columns of patches in an image.
        size: Height and width of the images in pixels.
    """

    def __init__(
        self, visible: VisiblePatches, patches: tuple[int, int], size: tuple[int, int]
    ) -> None:
        self.visible, self.patches, self.size = visible, patches, size
        self._hidden: dict[tuple[int, int], Tensor] = {}
        self._index: dict[tuple[int, int], Tensor] = {}

    @property
    def hides(self) -> bool:
        """True if any patch is hidden."""
        return self.visible.shape[1] < self.patches[0] * self.patches[1]

    @property
    def visible_share(self) -> float:
        """Share of an image's patches that are visible."""
        return self.visible.shape[1] / (self.patches[0] * self.patches[1])

    def fits(self, height: int, width: int) -> bool:
        """Returns whether each position of such a map lies in exactly one patch."""
        return all(
            0 < positions <= pixels and pixels % positions == 0 and positions % patches == 0
            for positions, pixels, patches in zip(
                (height, width), self.size, self.patches, strict=True
            )
        )

    def hidden(self, height: int, width: int) -> Bool[Tensor, "n h w"]:
        """Mask of the hidden positions of a map of this resolution."""
        if (height, width) not in self._hidden:
            rows, columns = self.patches
            num_images, device = len(self.visible), self.visible.device
            everywhere = torch.ones((num_images, rows * columns), dtype=torch.bool, device=device)
            hidden = everywhere.scatter(1, self.visible, False).view(num_images, rows, columns)
            tall = hidden.repeat_interleave(height // rows, dim=1)
            self._hidden[height, width] = tall.repeat_interleave(width // columns, dim=2)
        return self._hidden[height, width]

    def index(self, height: int, width: int) -> Int[Tensor, " m"]:
        """Raster indices of all visible positions over the batch, image by image."""
        if (height, width) not in self._index:
            device, columns = self.visible.device, self.patches[1]
            tall, wide = height // self.patches[0], width // columns
            row = torch.arange(tall, device=device)[:, None]
            column = torch.arange(wide, device=device)
            top = (self.visible // columns * tall)[..., None, None]
            left = (self.visible % columns * wide)[..., None, None]
            first = torch.arange(len(self.visible), device=device)[:, None, None, None]
            places = (first * height + top + row) * width + left + column
            self._index[height, width] = places.flatten()
        return self._index[height, width]
