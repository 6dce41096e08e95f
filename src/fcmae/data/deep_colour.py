"""Colour of 16 bits, of which Pillow keeps 8: read twice, one byte of a sample at a time."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fcmae.data.modes import Picture, check_not_hidden, on_white, scaled
from fcmae.data.open_file import ByteStream

RAW_MODES = ("RGB;16B", "RGBA;16B", "LA;16B")
"""What Pillow calls such samples in a PNG, which has the upper byte first."""


def is_deep_png(image: Image.Image) -> bool:
    """Returns whether an image is a PNG with colour, or opacity, of 16 bits."""
    return image.format == "PNG" and raw_mode(image) in RAW_MODES


def raw_mode(image: Image.Image) -> str:
    """The name of the samples in a file that is not decoded yet."""
    args: Any = image.tile[0][3] if getattr(image, "tile", None) else ""  # type: ignore[attr-defined]
    return str(args[0] if isinstance(args, tuple) else args)


def with_raw_mode(image: Any, name: str) -> Image.Image:
    """The same image, whose samples will be taken for others when it is decoded."""
    tiles = []
    for tile in image.tile:
        args = (name, *tile.args[1:]) if isinstance(tile.args, tuple) else name
        tiles.append(tile._replace(args=args))
    image.tile = tiles
    opened: Image.Image = image
    return opened


def both_bytes(file: ByteStream, form: str, frame: int, name: str) -> NDArray[np.uint16]:
    """Samples of 16 bits of a file that Pillow opens.

    Args:
        file: The open file.
        form: Its format.
        frame: Which of its images.
        name: Pillow's name of the samples, without the order of bytes: RGB or RGBA.
    """
    bytes_of = []
    for order in "BL":
        file.seek(0)
        image = Image.open(file, formats=[form])
        if frame:
            image.seek(frame)
        with_raw_mode(image, f"{name};16{order}").load()
        bytes_of.append(np.asarray(image).astype(np.uint16))
    first, second = bytes_of
    return (first << 8 | second).astype(np.uint16)


def read_deep_png(file: ByteStream, image: Image.Image, frame: int, *, keep_alpha: bool) -> Picture:
    """A PNG with all bits of its colours, and its opacity laid on white or kept."""
    name = raw_mode(image)
    if name == "LA;16B":
        # Four bytes a pixel, which Pillow passes on as they are for another kind.
        pairs = np.asarray(with_raw_mode(image, "RGBA")).astype(np.uint16)
        samples = (pairs[..., 0::2] << 8 | pairs[..., 1::2]).astype(np.uint16)
    else:
        samples = both_bytes(file, "PNG", frame, name.split(";")[0])
    key = image.info.get("transparency")
    if key is not None and samples.shape[2] == 3:
        samples = with_key(samples, key)
    picture = scaled(samples)
    if samples.shape[2] == 3:
        return picture
    check_not_hidden(samples[..., -1])
    return picture if keep_alpha else on_white(picture)


def with_key(samples: NDArray[np.uint16], key: Any) -> NDArray[np.uint16]:
    """Samples with opacity as the last: none where they have the colour that is transparent."""
    clear = (samples == np.asarray(key, dtype=np.uint16)).all(axis=2, keepdims=True)
    opacity = np.where(clear, 0, 2**16 - 1).astype(np.uint16)
    return np.concatenate([samples, opacity], axis=2)
