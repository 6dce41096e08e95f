"""Shows the results of detectors."""

from rich.console import Console as Terminal

from fcmae.cli.detect.show import in_words, show_precision
from fcmae.cli.shared.show import say, show_places
from fcmae.setup.words import number
from fcmae.training.detection import DetectorTrained


def show_detector_trained(result: DetectorTrained, terminal: Terminal) -> None:
    """Average precision, and where things are."""
    show_precision(result.boxes, result.masks, result.per_class, terminal)
    say(
        terminal,
        f"{in_words(result.boxes, result.masks)}: validated on "
        f"{number(result.val_images, 'image')} after {number(result.steps, 'step')} on "
        f"{number(result.train_images, 'image')}.",
    )
    show_places(terminal, weights=result.weights, pictures=result.pictures)
    say(
        terminal,
        f"Next: fcmae predict detect --data IMAGES --weights {result.out} --out detections",
    )
