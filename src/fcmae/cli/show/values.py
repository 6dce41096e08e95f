"""Shows the results of estimators of labels or numbers."""

from rich.console import Console as Terminal

from fcmae.cli.shared.show import say, show_places
from fcmae.cli.values.evaluated import in_words, show_values
from fcmae.setup.words import number
from fcmae.training.values import FinetunedValues


def show_finetuned_values(result: FinetunedValues, terminal: Terminal) -> None:
    """The table per value, and where things are."""
    show_values(result.per_value, terminal)
    words = in_words(result.mean_ap, result.mae, result.r2, result.per_value)
    say(
        terminal,
        f"{words} on "
        f"{number(result.val_images, 'image')} after {number(result.steps, 'step')} on "
        f"{number(result.train_images, 'image')}.",
    )
    show_places(terminal, weights=result.weights)
    say(
        terminal,
        f"Next: fcmae predict values --data IMAGES --weights {result.out} --out predictions.csv",
    )
