"""Shows what was written of features."""

from rich.console import Console as Terminal

from fcmae.cli.shared.show import say, show_places, show_unusable
from fcmae.inference.features.options import Embedded
from fcmae.setup.words import number


def show_embedded(result: Embedded, terminal: Terminal) -> None:
    """Shows the size and place of the features."""
    show_unusable(result.unusable, terminal)
    say(terminal, f"Wrote {number(result.images, 'vector')} of {result.width} numbers.")
    show_places(terminal, table=result.out)
