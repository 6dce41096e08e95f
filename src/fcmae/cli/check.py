"""``fcmae check``: open every image and name those that cannot be used."""

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from rich.console import Console as Terminal

from fcmae.cli.console import Console
from fcmae.cli.show import files, say, show_table, show_unusable
from fcmae.data.image import UnusableImage, open_image
from fcmae.data.image_list import ImageList
from fcmae.data.listing import find_images
from fcmae.data.options import Loader

MAX_THREADS = 16
CHUNK = 256


@dataclass(frozen=True, kw_only=True)
class Check:
    """Open every image of a data set; count what is there and name what cannot be used."""

    data: Path
    """Folder of images, read recursively, or a .txt or .csv list."""

    loader: Loader = Loader()


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What a data set holds.

    Attributes:
        images: Files that may be images.
        usable: How many of them can be used.
        unusable: The others, with the reason.
        set_aside: Files that were not opened, with the reason.
        classes: Images of each class, where folders or a list tell classes.
        height: Smallest, median and largest height of the usable images.
        width: Smallest, median and largest width.
        channels: How many images have so many channels.
        fingerprint: Changes when the data set does.
    """

    images: int
    usable: int
    unusable: list[dict[str, str]]
    set_aside: list[dict[str, str]]
    classes: dict[str, int] | None
    height: list[float] = field(default_factory=list)
    width: list[float] = field(default_factory=list)
    channels: dict[str, int] = field(default_factory=dict)
    fingerprint: str


def check(options: Check, console: Console) -> Checked:
    """Open every image through the same door that training uses."""
    images = find_images(options.data)
    shapes: list[tuple[int, ...]] = []
    unusable: list[tuple[str, str]] = []
    found = _shapes(images, options.loader)
    for name, shape in console.track(found, "checking", len(images)):
        if isinstance(shape, str):
            unusable.append((name, shape))
        else:
            shapes.append(shape)
    heights, widths = ([shape[axis] for shape in shapes] for axis in (0, 1))
    channels = Counter(str(shape[2]) for shape in shapes)
    return Checked(
        images=len(images),
        usable=len(shapes),
        unusable=files(unusable),
        set_aside=files(images.set_aside),
        classes=_classes(images),
        height=[min(heights), median(heights), max(heights)] if shapes else [],
        width=[min(widths), median(widths), max(widths)] if shapes else [],
        channels=dict(sorted(channels.items())),
        fingerprint=images.fingerprint(),
    )


def show_checked(result: Checked, terminal: Terminal) -> None:
    """Counts, sizes, and the files that cannot be used."""
    if result.classes:
        rows = [(name, f"{count:,}") for name, count in list(result.classes.items())[:60]]
        show_table(terminal, ("class", "images"), rows)
    if result.usable:
        for name, values in (("height", result.height), ("width", result.width)):
            low, middle, high = values
            say(terminal, f"{name:<9}{low:g} to {high:g} pixels, median {middle:g}")
        counts = ", ".join(f"{n:,} images of {c}" for c, n in result.channels.items())
        say(terminal, f"channels {counts}")
    if result.set_aside:
        say(terminal, f"{len(result.set_aside)} files were not opened:")
        show_unusable(result.set_aside, terminal)
    if result.unusable:
        say(terminal, f"{len(result.unusable)} files cannot be used:")
        show_unusable(result.unusable, terminal)
    say(terminal, f"{result.usable:,} of {result.images:,} files are usable images.")


def _shapes(images: ImageList, loader: Loader) -> Iterator[tuple[str, tuple[int, ...] | str]]:
    """The name of each file with its height, width and channels, or with what is wrong."""

    def look(index: int) -> tuple[str, tuple[int, ...] | str]:
        try:
            picture = open_image(
                images.path(index), max_pixels=loader.max_pixels, max_bytes=loader.max_bytes
            )
        except UnusableImage as error:
            return images.name(index), error.reason
        return images.name(index), picture.shape

    # Pillow decodes without holding Python's lock, so threads use all cores.
    with ThreadPoolExecutor(min(os.cpu_count() or 1, MAX_THREADS)) as pool:
        for start in range(0, len(images), CHUNK):
            yield from pool.map(look, range(start, min(start + CHUNK, len(images))))


def _classes(images: ImageList) -> dict[str, int] | None:
    if images.labels is None or images.classes is None:
        return None
    counts = Counter(images.labels.tolist())
    return {name: counts[index] for index, name in enumerate(images.classes)}
