"""Pictures for people: confusion matrix and curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from jaxtyping import Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

INK = "#1f2933"
COLOURS = ("#2364aa", "#ea7317", "#2a9d6f", "#a23b72", "#8d99ae", "#c9a227")
STYLE: dict[Any, Any] = {
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # a name may have a dollar in it
    "axes.labelcolor": INK,
    "axes.edgecolor": "#9aa5b1",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "xtick.color": INK,
    "ytick.color": INK,
}
"""Quiet: dark grey on white, nothing that is not data."""

MAX_NAMED = 40
"""Classes up to which a confusion matrix names each one."""

MAX_EPOCHS_NAMED = 6
"""Epochs that a legend names at most."""


def in_legend(name: str) -> str:
    """A name as a legend takes it, which leaves out what begins with an underscore."""
    return f" {name}" if name.startswith("_") else name


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150, bbox_inches="tight", metadata={"Software": None})
    return path


def confusion_matrix(
    confusion: Int[Tensor, "classes classes"], classes: Sequence[str], path: Path
) -> Path:
    """Draw the share of each class (row) that was called each class (column)."""
    counts = confusion.double()
    shares = (counts / counts.sum(dim=1, keepdim=True).clamp(min=1)).numpy()
    named = len(classes) <= MAX_NAMED
    side = 1.6 + (0.32 * len(classes) if named else 7)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(side, side))
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.spines[:].set_visible(False)
        axes.set(xlabel="called", ylabel="is", xticks=[], yticks=[])
        if named:
            axes.set_xticks(range(len(classes)), classes, rotation=90)
            axes.set_yticks(range(len(classes)), classes)
            axes.tick_params(length=0)
            _write_shares(axes, shares.tolist())
        return save(figure, path)


def _write_shares(axes: Axes, shares: list[list[float]]) -> None:
    for row, line in enumerate(shares):
        for column, share in enumerate(line):
            if share >= 0.005:
                colour = "white" if share > 0.6 else INK
                axes.text(
                    column, row, f"{100 * share:.0f}", ha="center", va="center",
                    color=colour, fontsize=7,
                )  # fmt: skip


def curves(
    lines: Mapping[str, tuple[Sequence[int] | Sequence[float], Sequence[float]]],
    path: Path,
    *,
    x: str,
    y: str,
    title: str = "",
    y_range: tuple[float, float] | None = None,
    colours: Sequence[Any] = COLOURS,
) -> Path:
    """Draw named lines, each given by its x and y values; the legend leaves out names in _."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.4))
        axes = figure.subplots()
        for i, (name, (xs, ys)) in enumerate(lines.items()):
            marker = "o" if len(xs) <= 20 else None
            axes.plot(
                xs, ys, label=name, color=colours[i % len(colours)], marker=marker, markersize=3
            )
        axes.set(xlabel=x, ylabel=y, title=title)
        if y_range:
            axes.set_ylim(*y_range)
        axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
        axes.set_axisbelow(True)
        if len(lines) > 1:
            axes.legend(frameon=False)
        return save(figure, path)


def distance_curves(by_epoch: Mapping[int, Sequence[float]], path: Path) -> Path:
    """Draw feature distances over the depth of the network, as figure 4 of the paper does.

    One line per epoch, the later the darker: where lines sink, features collapse.
    """
    epochs = sorted(by_epoch)
    step = -(-len(epochs) // MAX_EPOCHS_NAMED)
    named = set(epochs[::-1][::step])
    lines = {}
    for epoch in epochs:
        distances = by_epoch[epoch]
        depth = [(i + 1) / len(distances) for i in range(len(distances))]
        lines[f"epoch {epoch}" if epoch in named else f"_epoch {epoch}"] = (depth, distances)
    shades = mpl.colormaps["Blues"]
    return curves(
        lines,
        path,
        x="depth (share of blocks)",
        y="cosine distance of channels",
        title=f"Epoch {epochs[-1]}",
        y_range=(0.0, 0.6),
        colours=[shades(0.3 + 0.7 * (i + 1) / len(epochs)) for i in range(len(epochs))],
    )
