"""A picture between its file and its views."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from fcmae.data.modes import Picture
from fcmae.data.region import Region


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A picture that regions are cut from.

    Attributes:
        pixels: As the file has them, not yet upright, perhaps at a reduced size. Eight bits of grey
            or colour stay in Pillow's memory, because most of them will never be shown.
        channels: What the model takes.
        orientation: As in EXIF, 1 to 8: how to turn the pixels upright.
        reduction: How many times smaller than in the file they are.
        height: Of the upright picture at full size.
        width: Of the upright picture at full size.
        regions: What is wanted of it.
    """

    pixels: Image.Image | Picture
    channels: int
    orientation: int = 1
    reduction: int = 1
    height: int
    width: int
    regions: Sequence[Region]


def plain(image: Image.Image, channels: int) -> Image.Image | None:
    """The image if the model takes its bytes as they are, or None."""
    if image.mode not in ("L", "RGB") or image.has_transparency_data:
        return None
    if image.mode == "RGB" and channels == 1:
        return image.convert("L")  # the luma of ``with_channels``, to the last bit
    return image if channels == 3 or (image.mode == "L" and channels == 1) else None
