"""From a decoded picture to the region that a view shows.

``exact`` is the definition: the whole picture, a region cut out of it, resized by Pillow. ``cut``
gives nearly the same pixels in a fraction of the time, from pictures that may have been decoded at
a reduced size; docs/performance.md says how nearly and how quickly.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import interpolate

from fcmae.data.decoded import Decoded
from fcmae.data.modes import Picture, upright, with_channels
from fcmae.data.region import Region, RegionBox, as_stored, reduced

HALF = 0.5
"""A resized pixel needs more than this share of known pixels to be known."""

SIDE_BY_SIDE = 4
"""As many channels as PyTorch's integer kernel is fast with."""


def exact(picture: Picture, region: Region) -> Picture:
    """The region of an upright picture at full size."""
    if region.context:
        crop = resize(picture, region.size, region.box)
    else:
        left, top, right, bottom = (int(edge) for edge in region.box)
        crop = resize(picture[top:bottom, left:right], region.size)
    return crop[:, ::-1] if region.flip else crop


def cut(decoded: Decoded, region: Region) -> Picture:
    """The region of a picture as it was decoded: cut, resized, and only then turned upright."""
    stored = as_stored(region, decoded.orientation, decoded.height, decoded.width)
    left, top, right, bottom = reduced(stored.box, decoded.reduction)
    pixels = decoded.pixels
    if isinstance(pixels, Image.Image):
        part: Picture = np.asarray(pixels.crop((left, top, right, bottom)))
        part = part[..., None] if part.ndim == 2 else part
    else:
        part = pixels[top:bottom, left:right]
    if part.dtype == np.uint8:
        crop: Picture = _resize_bytes(part.astype(np.uint8, copy=False), stored.size)
    else:
        crop = resize(part, stored.size)
    crop = upright(with_channels(crop, decoded.channels), decoded.orientation)
    return crop[:, ::-1] if region.flip else crop


def _resize_bytes(pixels: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Bicubic with antialiasing, in integers: Pillow's result up to one level, far sooner."""
    blocks = []
    for first in range(0, pixels.shape[2], SIDE_BY_SIDE):
        # PyTorch wants memory in one piece that it might write to.
        block = np.require(pixels[..., first : first + SIDE_BY_SIDE], requirements=["C", "W"])
        image = torch.from_numpy(block).permute(2, 0, 1).unsqueeze(0)
        resized = interpolate(image, size, mode="bicubic", antialias=True)
        blocks.append(resized[0].permute(1, 2, 0).numpy())
    return blocks[0] if len(blocks) == 1 else np.concatenate(blocks, axis=2)


def resize(picture: Picture, size: tuple[int, int], box: RegionBox | None = None) -> Picture:
    """Bicubic with antialiasing, by Pillow; channel by channel where Pillow knows no such mode."""
    if picture.dtype == np.uint8 and picture.shape[2] == 3:
        return _resize_channel(picture, size, box)
    one = _resize_floats if picture.dtype == np.float32 else _resize_channel
    return np.stack([one(channel, size, box) for channel in np.moveaxis(picture, 2, 0)], axis=2)


def _resize_channel(
    channel: NDArray[Any], size: tuple[int, int], box: RegionBox | None
) -> NDArray[Any]:
    image = Image.fromarray(np.ascontiguousarray(channel))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BICUBIC, box))


def _resize_floats(
    channel: NDArray[np.float32], size: tuple[int, int], box: RegionBox | None
) -> NDArray[np.float32]:
    """A channel whose missing pixels have no share in others; NaN where most are missing."""
    missing = np.isnan(channel)
    if missing.all():
        return np.full(size, np.nan, dtype=np.float32)
    # Bicubic weights overshoot; 8 bits are clipped by Pillow already.
    low, high = np.nanmin(channel), np.nanmax(channel)
    if not missing.any():
        return _resize_channel(channel, size, box).clip(low, high)
    known = _resize_channel((~missing).astype(np.float32), size, box)
    sums = _resize_channel(np.where(missing, np.float32(0), channel), size, box)
    means = sums / np.where(known > HALF, known, np.nan).astype(np.float32)
    return means.clip(low, high)
