"""What the evaluations of segmenters report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal

from fcmae.cli.shared.show import (
    MAX_CLASSES,
    say,
    share,
    show_places,
    show_table,
    show_unusable,
)
from fcmae.setup.words import number


@dataclass(frozen=True, kw_only=True)
class Segmented:
    """How well pixels were classified. Shares are between 0 and 1.

    Attributes:
        images: Images looked at.
        miou: Mean over the classes of intersection over union.
        mean_accuracy: Mean of the shares of each class's pixels that are right.
        pixel_accuracy: Share of all pixels that are right.
        per_class: Pixels, intersection over union and accuracy of each class.
        confusion: Pixels of each class (rows) called each class (columns).
        unusable: Files left out, with the reason.
        out: Folder of the tables and pictures, where one was asked for.
    """

    images: int
    miou: float
    mean_accuracy: float
    pixel_accuracy: float
    per_class: list[dict[str, Any]]
    confusion: list[list[int]]
    unusable: list[dict[str, str]] = field(default_factory=list)
    out: Path | None = None


def show_class_pixels(per_class: Sequence[Mapping[str, Any]], terminal: Terminal) -> None:
    """The accuracy on each class."""
    rows = [
        (row["name"], f"{row['pixels']:,}", share(row["iou"]), share(row["accuracy"]))
        for row in per_class[:MAX_CLASSES]
    ]
    show_table(terminal, ("class", "pixels", "IoU", "accuracy"), rows)
    if len(per_class) > MAX_CLASSES:
        say(terminal, f"... and {len(per_class) - MAX_CLASSES} more classes (--json has all).")


def show_segmented(result: Segmented, terminal: Terminal) -> None:
    """The table per class, the files left out, and the means."""
    show_class_pixels(result.per_class, terminal)
    show_unusable(result.unusable, terminal)
    say(
        terminal,
        f"mIoU {result.miou:.1%}, mean accuracy {result.mean_accuracy:.1%}, pixel accuracy "
        f"{result.pixel_accuracy:.1%} on {number(result.images, 'image')}.",
    )
    show_places(terminal, pictures=result.out)
