"""Frames of animations, and further pictures of a JPEG: planes of the files that Pillow reads."""

from typing import Any

from PIL import Image

from fcmae.data.deep_colour import is_deep_png, read_deep_png
from fcmae.data.modes import Picture, Refused, check_size, joined, picture_from
from fcmae.data.open_file import ByteStream
from fcmae.data.options import Reading

MP_ENTRIES = 0xB002
MULTI_FRAME, UNDEFINED = "Multi-Frame", "Undefined"
"""Kinds of the pictures of a JPEG that are planes, as a pair for both eyes; the second only in the
size of the first, since phones keep maps of depth and brightness so. Previews are no planes."""


def num_frames(image: Image.Image) -> int:
    """Number of frames of a picture that Pillow has opened."""
    if image.format != "MPO":
        return int(getattr(image, "n_frames", 1))
    return len(_frames_of_jpeg(image))


def _frames_of_jpeg(image: Any) -> list[int]:
    entries = image.mpinfo.get(MP_ENTRIES, [])
    kinds = [str(entry["Attribute"].get("MPType", "")) for entry in entries]
    here, frames = image.tell(), [0]
    image.seek(0)
    size = image.size
    for number, kind in enumerate(kinds[1:], start=1):
        if kind.startswith(MULTI_FRAME):
            frames.append(number)
        elif kind == UNDEFINED:
            image.seek(number)
            frames += [number] if image.size == size else []
    image.seek(here)
    return frames


def frame_of(image: Image.Image, how: Reading) -> None:
    """Go to the frame that is wanted.

    Raises:
        Refused: There is no such frame.
    """
    number = num_frames(image)
    if how.plane >= number:
        raise Refused(f"plane {how.plane + 1} was asked for, but it has {number}")
    _go_to(image, how.plane)
    check_size(*image.size, how.max_pixels)


def _go_to(image: Image.Image, frame: int) -> None:
    image.seek(_frames_of_jpeg(image)[frame] if image.format == "MPO" else frame)


def picture_of_frame(
    file: ByteStream, image: Image.Image, how: Reading, *, keep_alpha: bool
) -> Picture:
    """The frame that an image is at."""
    if is_deep_png(image):
        return read_deep_png(file, image, image.tell(), keep_alpha=keep_alpha)
    image.load()
    return picture_from(image, keep_alpha=keep_alpha, nodata=how.nodata)


def all_frames(file: ByteStream, image: Image.Image, how: Reading) -> Picture:
    """All frames as channels, opacity laid on white."""
    number = num_frames(image)
    if number == 1:
        return picture_of_frame(file, image, how, keep_alpha=False)
    if number * image.width * image.height > how.max_pixels:
        raise Refused(
            f"{number} planes of {image.width} x {image.height} pixels are more than "
            f"loader.max_pixels, {how.max_pixels}"
        )
    found = list[Picture]()
    for frame in range(number):
        _go_to(image, frame)
        found.append(picture_of_frame(file, image, how, keep_alpha=False))
    return joined(found)
