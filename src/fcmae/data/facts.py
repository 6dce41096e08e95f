"""What the header of a file says about its pictures, read without decoding any."""

from dataclasses import dataclass

from PIL import Image

from fcmae.data.bands import MINISWHITE, Bands
from fcmae.data.deep_colour import is_deep_png
from fcmae.data.frames import num_frames
from fcmae.data.open_file import FORMATS, OpenSource, entrance, kind_of
from fcmae.data.options import DEFAULT, Reading


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a header says.

    Attributes:
        samples: Numbers of a pixel of one plane as they are stored, with opacity.
        dtype: Their type, as NumPy calls it; bool for 1 bit.
        planes: Pictures in the file, beyond reduced copies and masks.
        opacity: Place of the sample that a TIFF marks as opacity.
        nodata: Value that marks missing pixels, by the file's own tag.
        kept_dark: True if the file says that 0 is white of numbers that are not turned.
    """

    samples: int
    dtype: str
    planes: int = 1
    opacity: int | None = None
    nodata: float | None = None
    kept_dark: bool = False


PILLOW = {"1": "bool", "I;16": "uint16", "I;16B": "uint16", "I": "int32", "F": "float32"}
"""Types of the modes that do not have 8 bits."""


def describe(path: OpenSource, *, how: Reading = DEFAULT) -> Facts:
    """The facts about a file.

    Args:
        path: Any file name; only the content decides.
        how: Limit of bytes, and what planes are to become.

    Raises:
        UnusableImage: The header cannot be read.
    """
    with entrance(path, how.max_bytes) as file:
        if kind_of(file) != "TIFF":
            image = Image.open(file, formats=FORMATS)
            deep = is_deep_png(image)
            return Facts(
                samples=len(image.getbands()),
                dtype="uint16" if deep else PILLOW.get(image.mode, "uint8"),
                planes=num_frames(image),
            )
        from fcmae.data.tiff_planes import open_tiff, planes_of

        with open_tiff(file) as tiff:
            planes = planes_of(tiff, how)
            page, bands = planes[0].page, Bands.of(planes[0].page)
            return Facts(
                samples=planes[0].shape[2],
                dtype=str(page.dtype),
                planes=len(planes),
                opacity=None if planes[0].bands_are_pages else bands.opacity,
                nodata=bands.marks[0] if bands.marks else None,
                kept_dark=bands.kind == MINISWHITE and bands.signed,
            )


ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")


def remarks(facts: Facts, channels: int, how: Reading) -> tuple[str, ...]:
    """What a person would want to know of a file, each to be read after "1 file has".

    Args:
        facts: Of the file.
        channels: What was read of it, without a wish for channels.
        how: What planes are to become.
    """
    said = []
    if facts.planes > 1:
        becomes = {
            "first": "of which the first is used",
            "each": "each of which is an image of its own",
            "channels": "which are the channels of one image",
        }[how.planes]
        said.append(f"{facts.planes} planes, {becomes}")
    if facts.opacity is not None and channels >= facts.samples:
        place = facts.opacity
        name = ORDINALS[place] if place < len(ORDINALS) else f"{place + 1}th"
        said.append(
            f"a {name} band marked as opacity: kept as a band, and left out where the model takes "
            "one channel less"
        )
    elif facts.planes == 1 and facts.samples in (2, 4) and channels == facts.samples - 1:
        said.append("opacity, which is laid on white")
    if facts.nodata is not None:
        said.append(f"a tag that calls {facts.nodata:g} missing pixels")
    if facts.kept_dark:
        said.append("a tag that calls 0 white of signed or floating numbers, which are not turned")
    return tuple(said)
