"""Shows the findings of analyses."""

from typing import Any

from rich.console import Console as Terminal

from fcmae.cli.shared.show import say, show_places, show_table, show_unusable
from fcmae.inference.analyze.options import Analyzed
from fcmae.setup.words import number


def show_analyzed(result: Analyzed, terminal: Terminal) -> None:
    """The summaries, what was left out, and where everything is."""
    for entry in result.found:
        rows = [(name, _number(value)) for name, value in entry["summary"].items()]
        show_table(terminal, (entry["title"], ""), rows)
        say(terminal, "")
    for name, reason in result.skipped.items():
        say(terminal, f"Left out {name}: {reason}")
    show_unusable(result.unusable, terminal)
    say(terminal, f"Looked at {number(result.images, 'image')}.")
    show_places(terminal, pictures=result.out)


def _number(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
