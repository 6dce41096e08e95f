"""The demo's images: crops of the real photographs that scikit-image brings along.

Each photograph is a class. It is cut in two with a gap between: what is learned from lies on one
side, what is tested on lies on the other, so no pixel is in both. About half of the photographs
are grey, so colour alone does not tell the classes apart.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

import numpy as np

from fcmae.data.cut import resize
from fcmae.data.image import open_image
from fcmae.data.png import write_png
from fcmae.errors import DataError
from fcmae.randomness import integer

PartSpan = tuple[float, float]
"""Where a part of a photograph begins and ends, as shares of its length."""

TRAIN: PartSpan = (0.0, 0.6)
VAL: PartSpan = (0.62, 1.0)

CROP_SHARE = (0.16, 0.28)
"""Smallest and largest side of a crop, as a share of the side of a square as large as the photo."""


@dataclass(frozen=True, kw_only=True)
class CropBox:
    """A rectangle of pixels; right and bottom are the first ones outside."""

    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True, kw_only=True)
class Photograph:
    """A photograph and how to cut it in two.

    Attributes:
        name: The class.
        file: Its name in ``skimage/data``.
        axis: Along which it is cut, so that both parts show the same kind of thing: "x" puts
            training left and validation right, "y" above and below.
        margin: Share to leave out at each border.
    """

    name: str
    file: str
    axis: Literal["x", "y"] = "x"
    margin: float = 0.0


PHOTOGRAPHS = (
    Photograph(name="astronaut", file="astronaut.png", axis="y"),
    Photograph(name="brick", file="brick.png"),
    Photograph(name="camera", file="camera.png", axis="y"),
    Photograph(name="cat", file="chelsea.png", axis="y"),
    Photograph(name="coffee", file="coffee.png"),
    Photograph(name="coins", file="coins.png", axis="y"),
    Photograph(name="galaxies", file="hubble_deep_field.jpg"),
    Photograph(name="grass", file="grass.png"),
    Photograph(name="gravel", file="gravel.png"),
    Photograph(name="handwriting", file="text.png"),
    Photograph(name="moon", file="moon.png"),
    Photograph(name="motorcycle", file="motorcycle_left.png"),
    Photograph(name="page", file="page.png"),
    Photograph(name="retina", file="retina.jpg", margin=0.15),
    Photograph(name="rocket", file="rocket.jpg"),
    Photograph(name="tissue", file="ihc.png"),
)


@dataclass(frozen=True, kw_only=True)
class PhotoCounts:
    """Numbers of images that were written."""

    unlabelled: int
    train: int
    val: int
    classes: int


def write_photos(
    folder: Path, *, size: int, unlabelled: int = 100, train: int = 5, val: int = 25, seed: int = 0
) -> PhotoCounts:
    """Write ``unlabelled/``, ``train/CLASS/`` and ``val/CLASS/`` with PNG crops.

    Args:
        folder: Where to; it is made.
        size: Side of every image in pixels.
        unlabelled: Crops per photograph from its training part, in one flat folder.
        train: Labelled crops per photograph from the same part.
        val: Labelled crops per photograph from the other part.
        seed: Decides which crops.
    """
    for photograph in PHOTOGRAPHS:
        picture = open_image(_installed(photograph.file), channels=3)
        for into, part, count in (
            (Path("unlabelled"), TRAIN, unlabelled),
            (Path("train", photograph.name), TRAIN, train),
            (Path("val", photograph.name), VAL, val),
        ):
            (folder / into).mkdir(parents=True, exist_ok=True)
            draw = np.random.default_rng(integer(seed, f"demo {into.as_posix()} {photograph.name}"))
            within = area(photograph, picture.shape[:2], part)
            for number, box in enumerate(crops(within, picture.shape[:2], count, draw)):
                crop = resize(picture[box.top : box.bottom, box.left : box.right], (size, size))
                write_png(folder / into / f"{photograph.name}-{number:03d}.png", crop)
    return PhotoCounts(
        unlabelled=unlabelled * len(PHOTOGRAPHS),
        train=train * len(PHOTOGRAPHS),
        val=val * len(PHOTOGRAPHS),
        classes=len(PHOTOGRAPHS),
    )


def area(photograph: Photograph, shape: tuple[int, ...], part: PartSpan) -> CropBox:
    """The part of a photograph of this height and width that is learned from or tested on."""
    low, high = photograph.margin, 1 - photograph.margin
    along = tuple(low + (high - low) * share for share in part)
    (left, right), (top, bottom) = (
        (along, (low, high)) if photograph.axis == "x" else ((low, high), along)
    )
    return CropBox(
        left=math.ceil(left * shape[1]),
        top=math.ceil(top * shape[0]),
        right=math.floor(right * shape[1]),
        bottom=math.floor(bottom * shape[0]),
    )


def crops(
    within: CropBox, shape: tuple[int, ...], count: int, draw: np.random.Generator
) -> Iterator[CropBox]:
    """Random squares inside a part of a photograph of this height and width."""
    usual = math.sqrt(shape[0] * shape[1])
    largest = min(within.right - within.left, within.bottom - within.top)
    for _ in range(count):
        side = min(round(draw.uniform(*CROP_SHARE) * usual), largest)
        left = int(draw.integers(within.left, within.right - side, endpoint=True))
        top = int(draw.integers(within.top, within.bottom - side, endpoint=True))
        yield CropBox(left=left, top=top, right=left + side, bottom=top + side)


def _installed(file: str) -> Path:
    path = Path(str(files("skimage.data") / file))
    if not path.is_file():
        raise DataError(
            f"scikit-image does not bring {file} along here: install it with "
            "pip install 'scikit-image>=0.24'."
        )
    return path
