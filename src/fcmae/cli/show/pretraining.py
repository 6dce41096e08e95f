"""Shows the results of pre-training."""

from rich.console import Console as Terminal

from fcmae.cli.shared.show import say, show_places
from fcmae.setup.words import number
from fcmae.training.pretraining import Pretrained


def show_pretrained(result: Pretrained, terminal: Terminal) -> None:
    """Say where things are and what to do next."""
    loss = result.metrics.get("loss")
    last = "" if loss is None else f"; the last loss is {loss:.3f}"
    say(
        terminal,
        f"Pre-trained for {number(result.steps, 'step')} on "
        f"{number(result.images, 'image')}{last}.",
    )
    show_places(terminal, weights=result.weights, pictures=result.pictures)
    say(
        terminal,
        f"Next: fcmae finetune classify --data DATA --out OUT --weights {result.out}",
    )
