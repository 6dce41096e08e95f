"""Shows the results of segmenters."""

from rich.console import Console as Terminal

from fcmae.cli.segment.evaluated import show_class_pixels
from fcmae.cli.shared.show import say, show_places
from fcmae.setup.words import number
from fcmae.training.segmentation import FinetunedSegmenter


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
