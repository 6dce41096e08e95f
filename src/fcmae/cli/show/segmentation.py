"""Shows the results of segmenters."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console as Terminal

from fcmae.cli.shared.show import MAX_CLASSES, say, share, show_places, show_table, show_unusable
from fcmae.inference.segmentation.options import PredictedSegments, Segmented
from fcmae.setup.words import number
from fcmae.training import FinetunedSegmenter


def show_finetuned_segmenter(result: FinetunedSegmenter, terminal: Terminal) -> None:
    """The table per class, and where things are."""
    show_class_pixels(result.per_class, terminal)
    say(
        terminal,
        f"mIoU {result.miou:.1%}, pixel accuracy {result.pixel_accuracy:.1%} on "
        f"{number(result.val_images, 'image')} after {number(result.steps, 'step')} on "
        f"{number(result.train_images, 'image')} (best epoch: mIoU {result.best_miou:.1%}).",
    )
    show_places(terminal, weights=result.weights, pictures=result.pictures)
    say(terminal, f"Next: fcmae predict segment --data IMAGES --weights {result.out} --out MASKS")


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


def show_predicted_segments(result: PredictedSegments, terminal: Terminal) -> None:
    """Shows the share of each class, and where the files are."""
    rows = [(name, share(part)) for name, part in list(result.classes.items())[:20]]
    if rows:
        show_table(terminal, ("class", "pixels"), rows)
    show_unusable(result.unusable, terminal)
    large = f", {result.large:,} of them large" if result.large else ""
    say(terminal, f"Segmented {number(result.images, 'image')}{large}.")
    show_places(terminal, folder=result.out)
