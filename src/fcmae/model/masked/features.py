"""Features of a net under a mask, and the check that a net can be computed under one."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fcmae.masking import patch_grid
from fcmae.model.masked.computation import (
    UNSEEN,
    MaskedComputation,
    NotMaskableError,
    tensors_in,
)
from fcmae.model.masked.grid import PatchGrid
from fcmae.model.masked.rules import RULES, SUPPORTED
from fcmae.types import Images, Level, VisiblePatches


class MapNet(nn.Module, ABC):
    """A net with a feature map."""

    @abstractmethod
    def last_map(self, images: Images) -> Level:
        """The last feature map, before any pooling."""


@dataclass(frozen=True, kw_only=True)
class MapFormat:
    """The last feature map of a net.

    Attributes:
        channels: Its channels.
        stride: Pixels per position, along each side.
        size: Height and width of the images by which it was found.
    """

    channels: int
    stride: int
    size: tuple[int, int]


def masked_features(net: MapNet, images: Images, visible: VisiblePatches, *, patch: int) -> Level:
    """The last feature map of a net that sees visible patches only; zero at hidden positions.

    Args:
        net: Any ConvNet that ``check_maskable`` accepts.
        images: Normalised images.
        visible: Raster indices of each image's visible patches.
        patch: Side of a patch in pixels.

    Raises:
        NotMaskableError: The net does something that cannot be computed on visible positions.
    """
    size = (images.shape[-2], images.shape[-1])
    grid = PatchGrid(visible, patch_grid(*size, patch), size)
    if not grid.hides:
        return net.last_map(images)
    return _computed(MaskedComputation(grid, RULES), net, images)


def _computed(masked: MaskedComputation, net: MapNet, images: Images) -> Level:
    images = masked.begin(images)
    with masked:
        y = net.last_map(images)
    if not masked.is_followed(y):
        raise NotMaskableError(f"gives a map {UNSEEN}")
    masked.map_of(y, "the end of the net")
    return masked.filled(y)


def format_of(y: Any, images: Images, name: str) -> MapFormat:
    """The format of what a net makes of images.

    Raises:
        ValueError: It is no map whose positions stand for squares of the images.
    """
    height, width = images.shape[-2:]
    if not isinstance(y, Tensor) or y.ndim != 4 or len(y) != len(images):
        found = tuple(y.shape) if isinstance(y, Tensor) else type(y).__name__
        raise ValueError(
            f"{name} gives {found} for images of shape {tuple(images.shape)}, but must give a "
            "feature map n c h w."
        )
    rows, columns = y.shape[-2:]
    if not rows or not columns or height % rows or height * columns != width * rows:
        raise ValueError(
            f"{name} gives a map of {rows} x {columns} positions for images of {height} x {width} "
            "pixels, whose positions do not stand for squares of pixels."
        )
    return MapFormat(channels=y.shape[1], stride=height // rows, size=(height, width))


def check_maskable(net: MapNet, images: Images, *, patch: int, name: str) -> None:
    """Run a copy of a net once under a mask, in training and in evaluation mode.

    Args:
        net: The net; it is left as it is.
        images: Any images of the size to train on, on the net's device (``meta`` will do).
        patch: Side of a patch in pixels.
        name: What to call the net in messages.

    Raises:
        NotMaskableError: It does something that cannot be computed on visible positions alone; the
            message names the module and the function.
    """
    size = (images.shape[-2], images.shape[-1])
    patches = patch_grid(*size, patch)
    some = torch.arange(max(1, patches[0] * patches[1] // 2), device=images.device)
    grid = PatchGrid(some.expand(len(images), -1), patches, size)
    probe = copy.deepcopy(net)
    probe.requires_grad_(False)
    followed = images.clone().requires_grad_()
    for mode in (True, False):
        masked = MaskedComputation(grid, RULES, strict=True)
        with torch.random.fork_rng(devices=[]), _named(probe.train(mode), masked) as inside:
            try:
                _computed(masked, probe, followed)
            except NotMaskableError as error:
                where = f"{inside[-1]} {error}" if inside else f"it {error}"
                raise NotMaskableError(
                    f"{name} cannot be pre-trained under a mask: {where}. That cannot be computed "
                    f"on visible patches alone; supported are {SUPPORTED}."
                ) from error


@contextmanager
def _named(net: nn.Module, masked: MaskedComputation) -> Iterator[list[str]]:
    """The modules that are running, outermost first, by name and class."""
    running: list[str] = []

    def enters(name: str) -> Callable[..., None]:
        return lambda module, _: running.append(f"{name} ({type(module).__name__})")

    def leaves(module: nn.Module, _: Any, output: Any) -> None:
        if any(map(masked.is_unseen, tensors_in((output,)))):
            raise NotMaskableError(f"gives a value {UNSEEN}")
        running.pop()

    handles: list[Any] = []
    for name, module in net.named_modules():
        if name:
            handles.append(module.register_forward_pre_hook(enters(name)))
            handles.append(module.register_forward_hook(leaves))
    try:
        yield running
    finally:
        for handle in handles:
            handle.remove()
