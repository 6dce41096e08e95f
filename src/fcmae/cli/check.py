"""``fcmae check``: open every image and name those that cannot be used."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console as Terminal

from fcmae.cli.console import Console
from fcmae.cli.show import files, say, show_table, show_unusable
from fcmae.data.check import check as check_images
from fcmae.data.image_list import ImageList
from fcmae.data.listing import find_images
from fcmae.data.options import Loader

MAX_CLASSES = 60


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
        usable: How many files are images that can be used.
        unusable: The others, with the reason.
        classes: Images of each class, where folders or a list tell classes.
        kinds: How many images there are of each kind, such as "3 channels of 8 bits".
        heights: Smallest, median and largest height of the usable images in pixels.
        widths: Smallest, median and largest width.
        fingerprint: Changes when the data set does.
    """

    usable: int
    unusable: list[dict[str, str]]
    classes: dict[str, int] | None
    kinds: dict[str, int]
    heights: tuple[int, int, int]
    widths: tuple[int, int, int]
    fingerprint: str


def check(options: Check, console: Console) -> Checked:
    """Open every image through the same door that training uses."""
    images = find_images(options.data)
    with console.counting("checking", len(images)) as count:
        report = check_images(images, loader=options.loader, found=lambda _: count(1))
    return Checked(
        usable=report.usable,
        unusable=files(report.unusable),
        classes=_classes(images),
        kinds=report.kinds,
        heights=report.heights,
        widths=report.widths,
        fingerprint=images.fingerprint(),
    )


def show_checked(result: Checked, terminal: Terminal) -> None:
    """Counts, sizes, and the files that cannot be used."""
    if result.classes:
        rows = [(name, f"{count:,}") for name, count in list(result.classes.items())[:MAX_CLASSES]]
        show_table(terminal, ("class", "images"), rows)
    for kind, count in result.kinds.items():
        say(terminal, f"{count:,} images have {kind}.")
    if result.usable:
        for name, (low, middle, high) in (("height", result.heights), ("width", result.widths)):
            say(terminal, f"The {name} is {low} to {high} pixels, the median {middle}.")
    if result.unusable:
        say(terminal, f"{len(result.unusable):,} files cannot be used:")
        show_unusable(result.unusable, terminal)
    say(terminal, f"{result.usable:,} files are usable images.")


def _classes(images: ImageList) -> dict[str, int] | None:
    if images.labels is None or images.classes is None:
        return None
    counts = Counter(images.labels.tolist())
    return {name: counts[index] for index, name in enumerate(images.classes)}
