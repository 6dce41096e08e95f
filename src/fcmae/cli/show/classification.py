"""Shows the results of classifiers."""

from rich.console import Console as Terminal

from fcmae.cli.shared.show import say, show_classes, show_places, show_table, show_unusable
from fcmae.inference.classification.options import Evaluated, Predicted
from fcmae.setup.words import number
from fcmae.training import Finetuned


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


def show_evaluated(result: Evaluated, terminal: Terminal) -> None:
    """The table per class, the files left out, and the accuracy."""
    show_classes(result.per_class, terminal)
    show_unusable(result.unusable, terminal)
    top5 = "" if result.top5 is None else f", top-5 {result.top5:.1%}"
    by = "" if result.train_images is None else f" by {result.train_images:,} labelled ones"
    decay = "" if result.weight_decay is None else f" (weight decay {result.weight_decay:g})"
    say(terminal, f"Top-1 {result.top1:.1%}{top5} on {number(result.images, 'image')}{by}{decay}.")
    show_places(terminal, pictures=result.out)


def show_predicted(result: Predicted, terminal: Terminal) -> None:
    """Shows the number of images of each class, and where the table is."""
    rows = [(name, f"{count:,}") for name, count in list(result.classes.items())[:20]]
    show_table(terminal, ("class", "images"), rows)
    show_unusable(result.unusable, terminal)
    say(terminal, f"Classified {number(result.images, 'image')}.")
    show_places(terminal, table=result.out)
