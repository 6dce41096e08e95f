"""Opening a label map: what its pixels say, never what colours they look like.

Accepted are PNG, TIFF, BMP and GIF with one whole number per pixel: grey of any depth, floats that
are whole, palettes, of which the index counts, and colours whose three channels are equal. Other
colours need a table. JPEG is refused, because its compression changes numbers.
"""

import os

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fcmae.data.modes import Refused
from fcmae.data.open_file import ByteStream, entrance, kind_of
from fcmae.data.options import Loader
from fcmae.data.segments.colours import ColourTable, same_channels

FORMATS = ("PNG", "TIFF", "BMP", "GIF")
SCALED = {"L;2": 85, "L;4": 17}
"""Numbers of 2 and 4 bits come from Pillow this many times as large, so that they fill 8 bits."""

PHOTOMETRIC, SUBFILE, WHITE_IS_ZERO, REDUCED = 262, 254, 0, 1


class Coloured(Refused):
    """A mask of colours for which there is no table."""


def read_label_map(
    path: str | os.PathLike[str], size: tuple[int, int], colours: ColourTable | None = None
) -> NDArray[np.int32]:
    """The number of each pixel of a label map.

    Args:
        path: The file.
        size: Height and width of the picture it belongs to; another size is refused unread.
        colours: Number of each colour, for masks that are colours.

    Raises:
        UnusableImage: Whatever is wrong with the file; nothing else is raised.
    """
    with entrance(path, Loader.max_bytes) as file:
        kind = kind_of(file)
        if kind.upper() not in FORMATS:
            raise Refused(f"it is {kind}, which does not keep numbers exactly: use PNG")
        try:
            image = Image.open(file, formats=FORMATS)
        except UnidentifiedImageError:
            if kind != "TIFF":
                raise
            return whole_numbers(_by_tifffile(file), size)
        _check_single(image)
        return numbers_of(image, size, colours)


def numbers_of(
    image: Image.Image, size: tuple[int, int], colours: ColourTable | None = None
) -> NDArray[np.int32]:
    """The number of each pixel of Pillow's image of a label map.

    Args:
        image: Grey, with a palette, of which the index counts, or of colours.
        size: Height and width of the picture it belongs to.
        colours: Number of each colour, for masks that are colours.

    Raises:
        Refused: It holds something else, or is of another size.
    """
    check_same_size((image.height, image.width), size)
    raw = _raw_mode(image)
    if image.mode == "P" and colours is not None:
        numbers = _by_palette(image, colours)
        return np.asarray(image).astype(np.int32) if numbers is None else numbers
    if image.mode in ("LA", "RGBA"):
        image = _opaque(image)
    pixels = np.asarray(image)
    if image.mode == "RGB":
        return _of_colours(pixels, colours)
    if image.mode == "L" and colours is not None and colours.all_grey:
        return colours.numbers_of(np.repeat(pixels[..., None], 3, axis=2))
    if raw in SCALED:
        return (pixels // SCALED[raw]).astype(np.int32)
    if image.mode in ("1", "L", "P", "F") or image.mode.startswith("I"):
        return whole_numbers(pixels, size)
    raise Refused(
        f"its pixels are of mode {image.mode}, but must be class indices: one whole grey value or "
        "palette index each"
    )


def whole_numbers(pixels: NDArray[np.generic], size: tuple[int, int]) -> NDArray[np.int32]:
    """Pixels as numbers of classes; far ones as the nearest that is held.

    Raises:
        Refused: They are not whole, or of another size.
    """
    if pixels.ndim != 2:
        raise Refused(
            f"a label map has height and width, but this one has the shape {pixels.shape}"
        )
    check_same_size((pixels.shape[0], pixels.shape[1]), size)
    if pixels.dtype.kind == "f":
        strange = pixels[~(np.isfinite(pixels) & (pixels == np.floor(pixels)))]
        if strange.size:
            raise Refused(
                f"its pixels are floating-point numbers such as {strange[0]:g}, but must be class "
                "indices: whole numbers"
            )
    elif pixels.dtype.kind not in "biu":
        raise Refused(f"its pixels are {pixels.dtype}, but must be class indices: whole numbers")
    limits = np.iinfo(np.int32)
    wide = pixels.astype(np.int64 if pixels.dtype.kind != "f" else np.float64)
    return wide.clip(limits.min, limits.max).astype(np.int32)


def check_same_size(mask: tuple[int, int], image: tuple[int, int]) -> None:
    """Refuse a label map of another height and width than its image.

    Raises:
        Refused: They differ.
    """
    if mask != image:
        raise Refused(_other_size(mask, image))


def _other_size(mask: tuple[int, int], image: tuple[int, int]) -> str:
    turned = " (turned by its EXIF orientation)" if mask == image[::-1] else ""
    return (
        f"it has {mask[0]} x {mask[1]} pixels, but its image{turned} {image[0]} x {image[1]}: both "
        "must be of the same height and width"
    )


def _raw_mode(image: Image.Image) -> str:
    """How pixels lie in the file that an image was opened from and not read yet."""
    tiles = getattr(image, "tile", None) or [("", (), 0, "")]
    arguments = tiles[0][3]
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _of_colours(pixels: NDArray[np.uint8], colours: ColourTable | None) -> NDArray[np.int32]:
    if colours is not None:
        return colours.numbers_of(pixels)
    if same_channels(pixels):
        return pixels[..., 0].astype(np.int32)
    raise Coloured(
        "its pixels are colours (RGB), but must be class indices: one whole grey value or palette "
        "index each. Lines name,red,green,blue in classes.txt tell the classes of colours"
    )


def _by_palette(image: Image.Image, colours: ColourTable) -> NDArray[np.int32] | None:
    """The numbers of a palette's colours; None where the index counts."""
    pixels = np.asarray(image.convert("RGB"))
    used = {(int(r), int(g), int(b)) for r, g, b in np.unique(pixels.reshape(-1, 3), axis=0)}
    return colours.numbers_of(pixels) if used <= {*colours.by_colour} else None


def _opaque(image: Image.Image) -> Image.Image:
    """The picture without an opacity that hides nothing."""
    if np.asarray(image.getchannel("A")).min() < 255:
        raise Refused("its opacity hides pixels, so that nobody knows their class: save it without")
    return image.convert("L" if image.mode == "LA" else "RGB")


def _check_single(image: Image.Image) -> None:
    """Refuse several pictures in a file, and grey that counts from white."""
    tags = getattr(image, "tag_v2", {})
    if tags.get(PHOTOMETRIC) == WHITE_IS_ZERO:
        raise Refused("its numbers count from white (WhiteIsZero), so that they may be meant twice")
    frames = getattr(image, "n_frames", 1)
    if frames > 1:
        full = 1
        for frame in range(1, frames):
            image.seek(frame)
            full += not int(getattr(image, "tag_v2", {}).get(SUBFILE, 0)) & REDUCED
        image.seek(0)
        if full > 1:
            raise Refused(f"it holds {full} pictures, but a label map is one: save each by itself")


def _by_tifffile(file: ByteStream) -> NDArray[np.generic]:
    import tifffile

    file.seek(0)
    with tifffile.TiffFile(file) as tiff:
        if len(tiff.pages) > 1:
            raise Refused(f"it holds {len(tiff.pages)} pictures, but a label map is one")
        return np.squeeze(tiff.pages[0].asarray())
