"""Which patches the encoder may see."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fcmae.randomness import bits


@dataclass(frozen=True, kw_only=True)
class Mask:
    """How much of each image is hidden from the encoder (section 3.1 of the paper)."""

    ratio: float = 0.6
    """Share of patches hidden, strictly between 0 and 1."""

    patch: int | None = None
    """Side of a patch in pixels, a multiple of the encoder's total stride (the default), so
    that no feature straddles a visible and a hidden patch."""

    def __post_init__(self) -> None:
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
    """How many of an image's patches stay visible: at least one, and never all."""
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
) -> NDArray[np.int64]:
    """Draw the visible patches of each image uniformly, as a function of its own number alone.

    Args:
        images: Index of each image in the data set, shape (n,).
        repeats: Which of several crops of the same image each one is, shape (n,); 0 by default.

    Returns:
        Raster indices of the visible patches, ascending, shape (n, k).
    """
    crop = np.zeros_like(images) if repeats is None else repeats
    keys = bits(seed, "mask", epoch, images[:, None], crop[:, None], np.arange(num_patches))
    chosen = np.argsort(keys, axis=1, kind="stable")[:, : num_visible(mask, num_patches)]
    return np.sort(chosen, axis=1)
