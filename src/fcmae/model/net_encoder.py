"""A ConvNet of the user's own in place of an encoder."""

import copy

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.masking import Mask, patch_grid, patch_side
from fcmae.model.masked.features import MapNet, check_maskable, format_of
from fcmae.model.net_options import NetArchitecture
from fcmae.types import Images, Level


class NetEncoder(MapNet):
    """Any module that turns images into a feature map ``n c h w``.

    Args:
        body: The module; its weights are used, not copied.
        channels: Channels of the images.
        size: Height and width of images that it can take, to find out what its map is.

    Raises:
        ValueError: It gives no map whose positions stand for squares of pixels.
    """

    def __init__(
        self, body: nn.Module, *, channels: int = 3, size: tuple[int, int] = (224, 224)
    ) -> None:
        super().__init__()
        self.body = body
        self.architecture = NetArchitecture.of(body, channels)
        images = self._blank(size)
        with torch.no_grad():
            found = copy.deepcopy(body).eval()(images)
        self.map_format = format_of(found, images, type(body).__name__)

    def last_map(self, images: Images) -> Level:
        """The module's output."""
        features: Tensor = self.body(images)
        return features

    def forward(self, images: Images) -> Float[Tensor, "n p d"]:
        """Features of every position of the map."""
        return rearrange(self.last_map(images), "n c h w -> n (h w) c")

    def pooled(self, images: Images) -> Float[Tensor, "n d"]:
        """One vector per image: the mean over positions."""
        pooled: Tensor = self(images).mean(dim=1)
        return pooled

    def check_masked(self, size: tuple[int, int], mask: Mask) -> None:
        """Refuse a net that cannot be computed on the visible patches of images of this size.

        Raises:
            ValueError: It cannot; the message names the module and what it does.
        """
        patch = patch_side(mask, self.map_format.stride)
        patch_grid(*size, patch)
        name = type(self.body).__name__
        check_maskable(self, self._blank(size), patch=patch, name=name)

    def _blank(self, size: tuple[int, int]) -> Images:
        """Two images without content."""
        some = next(self.body.parameters(), torch.empty(0))
        return torch.zeros(
            2, self.architecture.channels, *size, device=some.device, dtype=some.dtype
        )
