"""The pictures of a run, small enough to travel inside the page."""

import base64
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from fcmae.reports.distance import spaced
from fcmae.reports.run import RunRecord

MAX_SIDE = 1600
"""Pixels of the longer side; larger pictures are scaled down."""

MAX_BYTES = 300_000
"""Size up to which a picture is taken as it is; larger ones become JPEGs of quality 88."""

MAX_PIXELS = 80_000_000
"""Pixels of the largest picture that is read."""

MAX_EPOCHS = 20
"""Epochs that a slider offers at most, evenly spaced, the last one among them."""

MAX_SERIES = 24
"""Sliders and single pictures of a run at most."""

OF_AN_EPOCH = re.compile(r"(?P<before>.+)-(?P<epoch>\d{4,})(?P<after>-\d+)?")

ALTS = {
    "reconstructions": "A row per image: the image, what is visible of it, and the reconstruction",
    "confusion": "Confusion matrix: a row per true class, with the share of it that was called "
    "each class",
    "feature_distance": "Feature distance over the depth of the encoder, a line per epoch",
    "classes": "An image with the class of every pixel: as labelled, or as the model sees it",
    "detections": "An image with the objects that the model finds in it",
}


@dataclass(frozen=True, kw_only=True)
class PagePicture:
    """A picture inside the page.

    Attributes:
        source: The picture itself, as a data address.
        alt: What it shows, for a reader who cannot see it.
        width: Width in pixels.
        height: Height in pixels.
        epoch: When it was drawn; None if its name does not say.
    """

    source: str
    alt: str
    width: int
    height: int
    epoch: int | None = None


@dataclass(frozen=True, kw_only=True)
class Series:
    """Pictures of the same thing, by epoch.

    Attributes:
        title: What they show.
        pictures: One or several.
        left_out: How many more epochs there are in the run's folder.
    """

    title: str
    pictures: list[PagePicture]
    left_out: int = 0


def series_of(run: RunRecord) -> tuple[list[Series], list[str]]:
    """All pictures of a run, and a sentence about each that cannot be shown."""
    by_title: dict[str, dict[int, Path]] = {}
    for path in sorted((run.root / "pictures").glob("*.png")):
        found = OF_AN_EPOCH.fullmatch(path.stem)
        title = f"{found['before']}{found['after'] or ''}" if found else path.stem
        by_title.setdefault(title, {})[int(found["epoch"]) if found else -1] = path
    shown, notes = [], list[str]()
    for title, by_epoch in list(by_title.items())[:MAX_SERIES]:
        kept = [int(epoch) for epoch in spaced(sorted(by_epoch), MAX_EPOCHS)]
        pictures = _pictures(run, title, {epoch: by_epoch[epoch] for epoch in kept}, notes)
        if pictures:
            left_out = len(by_epoch) - len(kept)
            shown.append(Series(title=_title(title), pictures=pictures, left_out=left_out))
    if len(by_title) > MAX_SERIES:
        notes.append(f"Of {len(by_title)} pictures, the first {MAX_SERIES} are shown.")
    return shown, notes


def embedded(path: Path, alt: str) -> PagePicture:
    """A picture as it goes into the page.

    Raises:
        ValueError: It cannot be read; the message says why.
    """
    try:
        content = path.read_bytes()
        with Image.open(io.BytesIO(content)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"{path.name} has {image.width} x {image.height} pixels, too many")
            image.load()
            small = len(content) <= MAX_BYTES and max(image.size) <= MAX_SIDE
            if not (small and image.format in ("PNG", "JPEG")):
                return _encoded_anew(image, alt)
            kind, width, height = image.format.lower(), image.width, image.height
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"{path.name} is no picture that can be read") from error
    return PagePicture(source=_address(kind, content), alt=alt, width=width, height=height)


def _pictures(
    run: RunRecord, title: str, by_epoch: dict[int, Path], notes: list[str]
) -> list[PagePicture]:
    """The pictures of one title, in the order of epochs."""
    pictures = []
    for epoch, path in by_epoch.items():
        when = "" if epoch < 0 else f" after epoch {epoch}"
        try:
            picture = embedded(path, f"{_alt(title)}. Run {run.name}{when}.")
        except ValueError as error:
            notes.append(f"{error}.")
        else:
            pictures.append(picture if epoch < 0 else replace(picture, epoch=epoch))
    return pictures


def _encoded_anew(image: Image.Image, alt: str) -> PagePicture:
    """A smaller JPEG, on white where the picture is transparent."""
    coloured = image.convert("RGBA")
    plain = Image.new("RGB", image.size, "white")
    plain.paste(coloured, mask=coloured.getchannel("A"))
    plain.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    plain.save(stream, "JPEG", quality=88, subsampling=0)
    address = _address("jpeg", stream.getvalue())
    return PagePicture(source=address, alt=alt, width=plain.width, height=plain.height)


def _address(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _alt(title: str) -> str:
    return ALTS.get(re.sub(r"-\d+$", "", title), _title(title))


def _title(name: str) -> str:
    """``feature_distance`` as a heading."""
    words = name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def reconstructions(series: Sequence[Series]) -> list[Series]:
    """Those with a course over epochs, which have a section of their own."""
    return [one for one in series if one.pictures[0].epoch is not None]
