"""The table of channels as a terminal shows it."""

from collections.abc import Sequence

from rich.console import Console as Terminal

from fcmae.cli.datasets.check_pixels import PATCH, SIZE, ChannelValues
from fcmae.cli.shared.show import say, show_table

WIDTH = 80
"""Columns of a terminal; a wider table is shown in two."""

VALUES = {
    "least": "least",
    "0.1%": "low",
    "50%": "median",
    "99.9%": "high",
    "most": "greatest",
    "mean": "mean",
    "std": "std",
}
"""Columns of numbers, and the fields that they show."""

SHARES = {
    "missing": "missing",
    "saturated": "saturated",
    "most frequent": "most_frequent_share",
}
"""Columns of shares of pixels; those that are nearly 0 everywhere are left out."""

FEW = 0.0005
"""Share of pixels that rounds to 0.0 %."""

ALIKE = 0.05
"""Share of pixels of one value that photographs may have."""

LOW = 0.2
"""Loss of the constant answer below which images are hardly more than a constant to a model."""


def show_pixels(
    channels: Sequence[ChannelValues],
    notes: Sequence[str],
    constant_answer: float | None,
    terminal: Terminal,
) -> None:
    """Shows a row for each channel in the numbers of the files, and what to know of them."""
    if channels:
        _show_channels(channels, terminal)
    for note in notes:
        say(terminal, note)
    if constant_answer is not None:
        say(terminal, _of_constant(constant_answer))


def _of_constant(loss: float) -> str:
    """Says what a run has to beat."""
    said = f"{loss:.2f}" if loss >= 0.1 else f"{loss:.2g}"
    text = (
        f"Loss of the constant answer: {said}, by pre-training's defaults ({SIZE} pixels, patches "
        f"of {PATCH}); a run that stays near it learns nothing."
    )
    if loss < LOW:
        text += " So low it is because images are nearly constant under this mean and deviation."
    return text


def _show_channels(channels: Sequence[ChannelValues], terminal: Terminal) -> None:
    say(terminal, f"Values of {channels[0].type} (percentiles, mean and std of a sample):")
    first = [("channel", [str(row.channel) for row in channels])]
    values = [
        (title, [_number(getattr(row, name)) for row in channels]) for title, name in VALUES.items()
    ]
    shares = [
        (title, [_share(getattr(row, name)) for row in channels])
        for title, name in SHARES.items()
        if max(getattr(row, name) for row in channels) >= (ALIKE if "most" in name else FEW)
    ]
    if _width(first + values + shares) <= WIDTH:
        _show(first + values + shares, terminal)
        return
    _show(first + values, terminal)
    if shares:
        _show(first + shares, terminal)


Column = tuple[str, list[str]]


def _width(columns: Sequence[Column]) -> int:
    return sum(max(map(len, [title, *cells])) + 2 for title, cells in columns) - 2


def _show(columns: Sequence[Column], terminal: Terminal) -> None:
    titles = [title for title, _ in columns]
    show_table(terminal, titles, list(zip(*(cells for _, cells in columns), strict=True)))


def _number(value: float | None) -> str:
    """A number in few characters."""
    if value is None:
        return "-"
    if value == int(value) and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}"


def _share(value: float) -> str:
    if value in (0, 1):
        return f"{value:.0%}"
    return "<0.1%" if value < FEW else f"{value:.1%}"
