"""Draws masks: patches that the encoder may see."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fcmae.randomness import bits

Pattern = Literal["random", "block", "grid"]
Convolution = Literal["sparse", "masked", "leaking", "leaking-token"]

RECTANGLES = 32
"""Of the block pattern: more than ever are needed to hide what is to be hidden by blocks."""
SHARE = (0.05, 0.3)
"""Smallest and largest share of an image in one of its rectangles."""
ASPECT = (0.3, 1 / 0.3)
"""Narrowest and widest of its rectangles (BEiT's)."""


@dataclass(frozen=True, kw_only=True)
class Mask:
    """Masking of patches (section 3.1 of the paper)."""

    ratio: float = 0.6
    """Share of patches hidden, strictly between 0 and 1."""

    patch: int | None = None
    """Side of a patch in pixels, a multiple of the encoder's total stride (the default), so
    that no feature straddles a visible and a hidden patch."""

    pattern: Pattern = "random"
    """How hidden patches lie: each drawn alone (as in the paper), in rectangles, or so that the
    visible ones form a regular grid."""

    convolution: Convolution = "sparse"
    """How the encoder computes: on visible patches only; masked is its slow definition. leaking is
    an ordinary encoder over images with blank patches, leaking-token the same with a learned token
    there after the stem: what the paper compares sparse convolutions with."""

    def __post_init__(self) -> None:
        for name, choices in (("pattern", Pattern), ("convolution", Convolution)):
            if getattr(self, name) not in get_args(choices):
                raise ValueError(
                    f"mask.{name} is {getattr(self, name)!r}, but must be "
                    f"{', '.join(get_args(choices))}."
                )
        if not 0 < self.ratio < 1:
            raise ValueError(
                f"mask.ratio is {self.ratio}, but must lie strictly between 0 and 1: "
                "at 0 there is nothing to reconstruct, at 1 nothing to reconstruct it from."
            )
        if self.patch is not None and self.patch < 1:
            raise ValueError(f"mask.patch is {self.patch}, but a patch has at least one pixel.")


def patch_side(mask: Mask, stride: int) -> int:
    """Side of a mask patch in pixels for an encoder of this total stride."""
    side = mask.patch or stride
    if side % stride or (side // stride) & (side // stride - 1):
        raise ValueError(
            f"mask.patch is {side}, but must be the encoder's stride of {stride} pixels times a "
            f"power of two: {stride}, {2 * stride}, {4 * stride}, ..."
        )
    return side


def patch_grid(height: int, width: int, side: int) -> tuple[int, int]:
    """Rows and columns of patches of ``side`` pixels in an image; at least two patches."""
    if height % side or width % side or height < side or width < side:
        fits = [max(1, round(pixels / side)) * side for pixels in (height, width)]
        if fits == [side, side]:
            fits = [side, 2 * side] if width >= height else [2 * side, side]
        raise ValueError(
            f"images of {height} x {width} pixels cannot be cut into patches of {side} pixels. "
            f"The nearest size that fits is {fits[0]} x {fits[1]}."
        )
    rows, columns = height // side, width // side
    if rows * columns < 2:
        raise ValueError(
            f"images of {height} x {width} pixels hold a single patch of {side} pixels, but "
            "masking needs a visible and a hidden one: use images of at least "
            f"{height} x {2 * width} pixels, or a smaller stem patch (encoder.stem)."
        )
    return rows, columns


def num_visible(mask: Mask, num_patches: int) -> int:
    """Number of an image's patches that stay visible: at least one, and never all."""
    hidden = round(num_patches * mask.ratio)
    return num_patches - min(max(hidden, 1), num_patches - 1)


def draw_visible(
    mask: Mask,
    num_patches: int,
    *,
    seed: int,
    epoch: int,
    images: NDArray[np.int64],
    repeats: NDArray[np.int64] | None = None,
    grid: tuple[int, int] | None = None,
) -> NDArray[np.int64]:
    """Draw the visible patches of each image, as a function of its own number alone.

    Args:
        mask: How many, and in which pattern.
        num_patches: Of an image.
        seed: The seed of the run.
        epoch: The epoch.
        images: Index of each image in the data set, shape (n,).
        repeats: Which of several crops of the same image each one is, shape (n,); 0 by default.
        grid: Rows and columns of patches, which every pattern but random depends on.

    Returns:
        Raster indices of the visible patches, ascending, shape (n, k).
    """
    crop = np.zeros_like(images) if repeats is None else repeats
    keys = bits(seed, "mask", epoch, images[:, None], crop[:, None], np.arange(num_patches))
    if mask.pattern == "random":
        order = np.argsort(keys, axis=1, kind="stable")
    else:
        if grid is None or grid[0] * grid[1] != num_patches:
            raise ValueError(
                f"grid is {grid}, but mask.pattern {mask.pattern} needs rows and columns of "
                f"{num_patches} patches."
            )
        numbers = bits(
            seed, f"mask-{mask.pattern}", epoch, images[:, None], crop[:, None],
            np.arange(4 * RECTANGLES),
        )  # fmt: skip
        uniform = (np.asarray(numbers) >> np.uint64(11)) / 2**53
        ranks = _grid_ranks if mask.pattern == "grid" else _block_ranks
        order = np.lexsort((keys, ranks(grid, uniform)), axis=1)
    chosen = order[:, : num_visible(mask, num_patches)]
    return np.sort(chosen, axis=1)


def _grid_ranks(grid: tuple[int, int], uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    """The order in which patches become visible: Bayer's for ordered dithering, shifted at random.

    Its first quarter is one patch of each 2 x 2 cell, its first half a chequerboard, and so on.
    """
    levels = max(1, (max(grid) - 1).bit_length())
    shift = (uniform[:, :2] * 2**levels).astype(np.int64)
    rows, columns = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    y, x = rows + shift[:, :1], columns + shift[:, 1:]
    ranks: NDArray[np.int64] = np.zeros_like(y)
    for level in range(levels):
        ranks = 4 * ranks + 2 * ((x ^ y) >> level & 1) + (y >> level & 1)
    return ranks


def _block_ranks(grid: tuple[int, int], uniform: NDArray[np.float64]) -> NDArray[np.int64]:
    """Patches that no rectangle covers first, then those of the last rectangle, and so on.

    So rectangles are hidden one after the other until there are enough, the last from its end on.
    """
    num_patches = grid[0] * grid[1]
    area, aspect, down, across = (uniform[:, i::4, None] for i in range(4))
    area = num_patches * (SHARE[0] + (SHARE[1] - SHARE[0]) * area)
    aspect = np.exp(np.log(ASPECT[0]) + (np.log(ASPECT[1]) - np.log(ASPECT[0])) * aspect)
    height = np.clip(np.rint(np.sqrt(area * aspect)), 1, grid[0])
    width = np.clip(np.rint(area / height), 1, grid[1])
    top = np.floor(down * (grid[0] - height + 1))
    left = np.floor(across * (grid[1] - width + 1))
    rows, columns = np.divmod(np.arange(num_patches), grid[1])
    inside = (rows >= top) & (rows < top + height) & (columns >= left) & (columns < left + width)
    first = np.where(inside.any(axis=1), inside.argmax(axis=1), RECTANGLES)
    within = np.where(first < RECTANGLES, np.arange(num_patches), 0)
    ranks: NDArray[np.int64] = within - first * num_patches
    return ranks
