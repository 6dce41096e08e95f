"""Shows the results of classifiers."""

from rich.console import Console as Terminal

from fcmae.cli.shared.show import say, show_classes, show_places
from fcmae.setup.words import number
from fcmae.training.classification import Finetuned


def show_finetuned(result: Finetuned, terminal: Terminal) -> None:
    """Accuracy, and where things are."""
    show_classes(result.per_class, terminal)
    say(
        terminal,
        f"Top-1 {result.top1:.1%} on {number(result.val_images, 'image')} after "
        f"{number(result.steps, 'step')} on {number(result.train_images, 'image')} (best epoch: "
        f"{result.best_top1:.1%}).",
    )
    show_places(terminal, weights=result.weights, pictures=result.pictures)
    say(
        terminal,
        f"Next: fcmae predict classify --data IMAGES --weights {result.out} --out predictions.csv",
    )
