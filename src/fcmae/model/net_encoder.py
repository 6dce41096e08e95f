"""A ConvNet of the user's own in place of an encoder."""

import copy

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from fcmae.masking import Mask, patch_grid, patch_side
from fcmae.model.check_input import check_input
from fcmae.model.masked.features import MapNet, check_maskable, format_of
from fcmae.model.net_options import NetArchitecture
from fcmae.model.widths import other_width
from fcmae.options.objects import summary
from fcmae.types import Images, Level


class NetEncoder(MapNet):
    """Any module that turns images into a feature map ``n c h w``.

    Args:
        body: The module; its weights are used, not copied.
        channels: Channels of the images.
        size: Height and width of images that it can take, to find out what its map is.

    Raises:
        ValueError: It takes images of other channels, or gives no map whose positions stand for
            squares of pixels.
    """

    def __init__(
        self, body: nn.Module, *, channels: int = 3, size: tuple[int, int] = (224, 224)
    ) -> None:
        super().__init__()
        if not isinstance(body, nn.Module):
            raise ValueError(f"body is {summary(body)}, but must be a torch.nn.Module.")
        self.body = body
        self.architecture = NetArchitecture.of(body, channels)
        images = self._blank(size)
        found = _shown(body, images)
        self.map_format = format_of(found, images, type(body).__name__)

    def last_map(self, images: Images) -> Level:
        """The module's output."""
        self.check(images)
        features: Tensor = self.body(images)
        return features

    def check(self, images: object) -> None:
        """Refuse what is no batch of normalised images, with the way to make one of it."""
        check_input(images, self.architecture.channels, self._dtype)

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
            2, self.architecture.channels, *size, device=some.device, dtype=self._dtype
        )

    @property
    def _dtype(self) -> torch.dtype:
        """The type of the images: that of the module's first weights."""
        return next((x.dtype for x in self.body.parameters() if x.is_floating_point()), torch.float)


@torch.no_grad()
def _shown(body: nn.Module, images: Images) -> object:
    """Returns what a copy of a module makes of images.

    Raises:
        ValueError: It takes images of other channels.
    """
    probe = copy.deepcopy(body).eval()
    try:
        return probe(images)
    except RuntimeError as error:
        if (width := other_width(error, probe)) is None:
            raise
        found, name = images.shape[1], type(body).__name__
        way_out = f" Give channels={width.takes}." if width.gets == found else ""
        raise ValueError(
            f"the net {name} does not take images of {found} channels: {width}.{way_out}"
        ) from error
