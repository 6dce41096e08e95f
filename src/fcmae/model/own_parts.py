"""Decoders, targets and masks of a user's own: what each has to keep to.

- A **decoder** is a module. It gets the map of the encoder's last stage, ``n c h w``, with a mask
  token, which is learned, at hidden positions. It gives the predictions as a map, ``n k h w``.
- A **target** is a function or a module. It gets the images, ``n c H W``, and gives the ``k``
  values to predict at each position of that map in raster order, ``n (h w) k``. It gets no
  gradient; a module stays in eval mode and is saved with the autoencoder.
- A **mask** is a function or a module. It gets a generator and the grid of patches, and gives the
  mask of one image, boolean, ``rows columns``, True where hidden. It draws from that generator
  alone, so that a mask is a function of seed, epoch and image. In a batch all masks hide as many
  patches.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from fcmae.masking import Mask, draw_visible
from fcmae.model.encoder import Encoded
from fcmae.model.options import DecoderOptions
from fcmae.model.widths import other_width
from fcmae.options.group import options_from
from fcmae.randomness import integer
from fcmae.types import Images, Patches, Positions, VisiblePatches

MaskFunction = Callable[[torch.Generator, tuple[int, int]], Tensor]
"""Draws the mask of one image on a grid of patches."""

TargetFunction = Callable[[Tensor], Tensor]
"""Makes of images the values to predict."""


def decoder_or_options(given: Any) -> DecoderOptions | nn.Module:
    """A user's module as it is; options from a dataclass, a mapping or None.

    Raises:
        ValueError: It is something else.
    """
    if isinstance(given, nn.Module):
        return given
    return options_from(DecoderOptions, given, "decoder", others="a torch.nn.Module")


def function_or_options(given: Any, kind: type[Any], name: str) -> Any:
    """A user's mask or target as it is; options from a dataclass, a mapping or None.

    Raises:
        ValueError: It is something else.
    """
    return given if callable(given) else options_from(kind, given, name, others="a function")


class OwnDecoder(nn.Module):
    """A user's module from the encoder's map to predictions, with the mask token that it sees.

    Args:
        channels: Width of the encoder's last stage.
        net: The module, ``n c h w`` to ``n k h w``.
    """

    def __init__(self, channels: int, net: nn.Module) -> None:
        super().__init__()
        self.mask_token = nn.Parameter(torch.empty(channels).normal_(std=0.02))
        self.net = net

    def forward(self, stages: Sequence[Encoded], positions: Positions) -> Patches:
        """Values for some positions of each image, by raster index of the last stage.

        Raises:
            ValueError: The module takes other channels, or gives something else than a map of
                predictions.
        """
        last = stages[-1]
        height, width = last.layout.height, last.layout.width
        filled = last.layout.fill(last.features, self.mask_token)
        maps = rearrange(filled, "n (h w) c -> n c h w", h=height)
        try:
            out = self.net(maps)
        except RuntimeError as error:
            if (other := other_width(error, self.net)) is None:
                raise
            raise ValueError(
                f"the decoder {name_of(self.net)} does not fit: {other}. It gets the map of the "
                f"encoder's last stage, n {maps.shape[1]} h w."
            ) from error
        if not _fits(out, (len(maps), None, height, width)):
            raise ValueError(
                f"the decoder {name_of(self.net)} gives {_shape(out)} for a map of "
                f"{tuple(maps.shape)}, but must give n k h w: {len(maps)} images, the values of a "
                f"patch, {height} rows, {width} columns."
            )
        return at_positions(rearrange(out, "n k h w -> n (h w) k"), positions)


def own_targets(
    target: TargetFunction, images: Images, grid: tuple[int, int], positions: Positions
) -> Patches:
    """The values that a user's target asks for at some positions.

    Args:
        target: The function.
        images: What it is given.
        grid: Rows and columns of the encoder's last stage.
        positions: Raster indices on that grid.

    Raises:
        ValueError: It gives something else.
    """
    try:
        with torch.no_grad():
            values = target(images)
    except RuntimeError as error:
        if (width := other_width(error, target)) is None:
            raise
        raise ValueError(
            f"the target {name_of(target)} does not fit: {width}. It gets the images, n "
            f"{images.shape[1]} h w."
        ) from error
    if not _fits(values, (len(images), grid[0] * grid[1], None)):
        raise ValueError(
            f"the target {name_of(target)} gives {_shape(values)} for images of "
            f"{tuple(images.shape)}, but must give n p k: {len(images)} images, "
            f"{grid[0] * grid[1]} patches ({grid[0]} x {grid[1]} in raster order), the values of a "
            "patch."
        )
    return at_positions(values, positions)


def visible_of(
    mask: Mask | MaskFunction,
    grid: tuple[int, int],
    *,
    seed: int,
    epoch: int,
    images: NDArray[np.int64],
    repeats: NDArray[np.int64] | None = None,
) -> VisiblePatches:
    """Draws the visible patches of each image, as a function of its own number alone.

    Args:
        mask: Options, or a user's mask.
        grid: Rows and columns of patches in an image.
        seed: The seed of the run.
        epoch: The epoch.
        images: Index of each image in the data set, shape (n,).
        repeats: Which of several crops of the same image each one is, shape (n,); 0 by default.

    Raises:
        ValueError: A user's mask is not boolean or not of this shape, or masks of a batch do not
            hide as many patches.
    """
    rows, columns = grid
    if isinstance(mask, Mask):
        drawn = draw_visible(
            mask,
            rows * columns,
            seed=seed,
            epoch=epoch,
            images=images,
            repeats=repeats,
            grid=grid,
        )
        return torch.from_numpy(drawn)
    crops = np.zeros_like(images) if repeats is None else repeats
    masks = [
        _hidden(mask, grid, integer(seed, "mask", epoch, image, crop))
        for image, crop in zip(images.tolist(), crops.tolist(), strict=True)
    ]
    counts = sorted({int(hidden.sum()) for hidden in masks})
    if len(counts) > 1:
        raise ValueError(
            f"the mask {name_of(mask)} hides {counts[0]} patches of one image and {counts[-1]} of "
            "another one, but all images of a batch must have as many hidden ones: their visible "
            "patches form one tensor. Let it hide a fixed number of patches."
        )
    return torch.stack([(~hidden).flatten().nonzero().squeeze(1) for hidden in masks])


def _hidden(mask: MaskFunction, grid: tuple[int, int], seed: int) -> Tensor:
    """One image's mask on the CPU, checked."""
    with torch.no_grad():
        hidden = mask(torch.Generator().manual_seed(seed), grid)
    if not (_fits(hidden, grid) and hidden.dtype == torch.bool):
        kind = f" of {hidden.dtype}" if isinstance(hidden, Tensor) else ""
        raise ValueError(
            f"the mask {name_of(mask)} gives {_shape(hidden)}{kind} for a grid of {grid[0]} x "
            f"{grid[1]} patches, but must give a boolean tensor of that shape, True where hidden."
        )
    count, all_of_them = int(hidden.sum()), grid[0] * grid[1]
    if not 0 < count < all_of_them:
        raise ValueError(
            f"the mask {name_of(mask)} hides {count} of {all_of_them} patches, but an image needs "
            "a visible and a hidden one."
        )
    return hidden.cpu()


def at_positions(values: Float[Tensor, "n hw k"], positions: Positions) -> Patches:
    """The rows of each image at its own positions."""
    image = torch.arange(len(values), device=values.device)[:, None]
    return values[image, positions]


def name_of(part: Any) -> str:
    """The name of a function, or of a module's class."""
    return str(getattr(part, "__name__", type(part).__name__))


def dotted_name(part: Any) -> str:
    """The same with the module that it comes from, for descriptions."""
    named = part if hasattr(part, "__qualname__") else type(part)
    return f"{named.__module__}.{named.__qualname__}"


def _fits(x: Any, shape: tuple[int | None, ...]) -> bool:
    """True for a tensor of this shape, where None stands for any length."""
    return (
        isinstance(x, Tensor)
        and x.ndim == len(shape)
        and all(wanted in (None, have) for have, wanted in zip(x.shape, shape, strict=True))
    )


def _shape(x: Any) -> str:
    """Describes something for messages: a tensor's shape, or the name of its class."""
    return f"a tensor of {tuple(x.shape)}" if isinstance(x, Tensor) else f"a {type(x).__name__}"
