"""Shows the results of pre-training."""

from rich.console import Console as Terminal

from fcmae.cli.shared.show import say, show_places, show_unusable
from fcmae.inference.reconstruct import Reconstructed
from fcmae.setup.words import number
from fcmae.training import Pretrained


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


def show_reconstructed(result: Reconstructed, terminal: Terminal) -> None:
    """The error, and where the pictures are."""
    show_unusable(result.unusable, terminal)
    say(terminal, f"Reconstructed {number(result.images, 'image')}; the loss is {result.loss:.3f}.")
    show_places(terminal, **{f"picture {i + 1}": p for i, p in enumerate(result.pictures)})
