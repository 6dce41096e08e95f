"""Every kind of pixel becomes height x width x channels of uint8, or of float32."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops

Picture: TypeAlias = NDArray[np.uint8] | NDArray[np.float32]
"""Height x width x channels. float32 is in units of the type's scale, and NaN where missing."""

SIXTEEN_BITS = 65_535
"""What integers of more than 8 bits are divided by, so that a value means one thing everywhere."""

BEYOND = 1e37
"""Floats of such size mark missing pixels, as the lowest float32 does by default in GDAL."""


MAX_ASPECT = 200
"""Of a longer strip, a crop would show nothing but a smear."""


class Refused(ValueError):  # noqa: N818 - a decision, not a failure
    """The picture can be read, but there is no rule for what it means."""


def picture_from(image: Image.Image, *, keep_alpha: bool, nodata: float | None = None) -> Picture:
    """Pixels of a decoded Pillow image by the rule for its mode (see ``fcmae.data.image``)."""
    mode = image.mode
    if mode == "1":
        return scaled(np.asarray(image))
    if mode.startswith("I;16"):
        # Pillow's own byte orders; the array is native afterwards.
        return _deep_grey(np.asarray(image).astype(np.uint16), image, nodata, keep_alpha)
    if mode in ("I", "F"):
        return scaled(without(np.asarray(image), nodata))
    if mode == "CMYK" and image.format in ("JPEG", "MPO") and "adobe" not in image.info:
        # Pillow inverts every CMYK JPEG, as Adobe's programs write them; this one is not theirs.
        image = ImageChops.invert(image)
    grey = mode in ("L", "LA", "La")
    if not image.has_transparency_data:
        return scaled(without(np.asarray(image.convert("L" if grey else "RGB")), nodata))
    picture = scaled(np.asarray(image.convert("LA" if grey else "RGBA")))
    check_not_hidden(picture[..., -1])
    return picture if keep_alpha else on_white(picture)


def _deep_grey(
    pixels: NDArray[np.uint16], image: Image.Image, nodata: float | None, keep_alpha: bool
) -> Picture:
    """Grey of 16 bits, of which a PNG can call one value transparent."""
    picture = scaled(without(pixels, nodata))
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return picture
    opacity = (pixels != key).astype(np.float32)[..., None]
    check_not_hidden(opacity)
    whole = np.concatenate([picture, opacity], axis=2).astype(np.float32)
    return whole if keep_alpha else on_white(whole)


def scaled(pixels: NDArray[np.generic]) -> Picture:
    """Any numbers as a picture; see the table of ``fcmae.data.image`` for the rule of each type."""
    pixels = pixels[..., None] if pixels.ndim == 2 else pixels
    if pixels.dtype == np.bool_:
        return pixels.astype(np.uint8) * np.uint8(255)
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    if pixels.dtype == np.uint16:
        return pixels.astype(np.float32) / np.float32(SIXTEEN_BITS)
    if pixels.dtype.kind in "iu":
        return (pixels.astype(np.float64) / SIXTEEN_BITS).astype(np.float32)
    if pixels.dtype.kind == "f":
        return _floats(pixels)
    raise Refused(f"pixels of type {pixels.dtype} are not supported")


def _floats(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Floats as they are; what is no number, or so large that it must be a mark, is missing."""
    wide = pixels.astype(np.float64)
    with np.errstate(invalid="ignore"):
        missing = ~(np.abs(wide) < BEYOND)
    if missing.any():
        wide[missing] = np.nan
    return wide.astype(np.float32)


def without(pixels: NDArray[np.generic], nodata: float | None) -> NDArray[np.generic]:
    """The numbers of a file as floats, with NaN where they have the value that marks missing ones.

    The same array if none has. Integers are divided by the same number as by ``scaled``.
    """
    holes = holes_in(pixels, nodata)
    if holes is None:
        return pixels
    picture = scaled(pixels)
    return with_holes(picture, holes.reshape(picture.shape))


def holes_in(pixels: NDArray[np.generic], *marks: float | None) -> NDArray[np.bool_] | None:
    """Where numbers of a file have a value that marks missing pixels; None if none has."""
    holes: NDArray[np.bool_] | None = None
    for mark in marks:
        if mark is None or pixels.dtype == np.bool_ or not _holds(pixels, mark):
            continue
        found: NDArray[np.bool_] = np.asarray(pixels == np.asarray(mark).astype(pixels.dtype))
        holes = found if holes is None else holes | found
    return holes if holes is not None and holes.any() else None


def with_holes(picture: Picture, holes: NDArray[np.bool_] | None) -> Picture:
    """The picture as floats with NaN in these places; the same if there are none."""
    if holes is None:
        return picture
    full = np.float32(255 if picture.dtype == np.uint8 else 1)
    floats: NDArray[np.float32] = picture.astype(np.float32) / full
    floats[holes] = np.nan
    return floats


def _holds(pixels: NDArray[np.generic], value: float) -> bool:
    """Returns whether numbers of this type can have this value."""
    if pixels.dtype.kind == "f":
        return True
    if not np.isfinite(value) or value != int(value):
        return False
    limits: Any = np.iinfo(pixels.dtype.str)
    return bool(limits.min <= value <= limits.max)


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse a picture of too many pixels, and one that is hardly more than a line."""
    if width * height > max_pixels:
        raise Refused(f"{width} x {height} pixels are more than loader.max_pixels, {max_pixels}")
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise Refused(f"{width} x {height} pixels: one side is over {MAX_ASPECT} times the other")


def check_not_empty(picture: Picture) -> None:
    """Refuse a picture all of whose pixels are missing."""
    if picture.dtype != np.uint8 and np.isnan(picture).all():
        raise Refused("all of its pixels are missing (NaN or nodata)")


def check_not_hidden(opacity: NDArray[Any]) -> None:
    """Refuse a picture of which opacity shows nothing."""
    if not (opacity > 0).any():
        raise Refused("its opacity is 0 everywhere, so that nothing of it can be seen")


def joined(pictures: Sequence[Picture]) -> Picture:
    """Pictures of one size as channels of one."""
    sizes = {picture.shape[:2] for picture in pictures}
    if len(sizes) > 1 or len({picture.dtype for picture in pictures}) > 1:
        raise Refused(
            f"its {len(pictures)} planes differ in size or type, so they are not channels of one "
            "image"
        )
    return np.concatenate(pictures, axis=2)  # type: ignore[return-value]  # dtype unchanged


def on_white(picture: Picture) -> Picture:
    """Lay a picture whose last channel is opacity on a white ground."""
    if picture.dtype == np.uint8:
        wide = picture.astype(np.uint16)
        colour, opacity = wide[..., :-1], wide[..., -1:]
        return ((colour * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)
    share = picture[..., -1:]
    return (picture[..., :-1] * share + (1 - share)).astype(np.float32)


def upright(picture: Picture, orientation: int) -> Picture:
    """Undo an EXIF orientation, 1 to 8; any other value means upright."""
    if orientation in (5, 6, 7, 8):
        picture = picture.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    return picture


def with_channels(picture: Picture, channels: int) -> Picture:
    """Grey is repeated for 3 channels, colour becomes luma for 1; else the number must fit."""
    have = picture.shape[2]
    if have == channels:
        return picture
    if have == 1 and channels == 3:
        return picture[..., [0, 0, 0]]
    if have == 3 and channels == 1:
        return _luma(picture)
    raise Refused(f"the number of its channels is {have}, but the model takes {channels}")


def _luma(picture: Picture) -> Picture:
    """Brightness by ITU-R 601, for 8 bits in the integers that Pillow uses."""
    if picture.dtype == np.uint8:
        weights = np.array([19595, 38470, 7471], dtype=np.uint32)
        luma = (picture.astype(np.uint32) @ weights + 0x8000) >> 16
        return luma.astype(np.uint8)[..., None]
    return (picture @ np.array([0.299, 0.587, 0.114], dtype=np.float32))[..., None]
