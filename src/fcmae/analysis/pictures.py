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
) -> Path:
    """Draw named lines, each given by its x and y values."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.4))
        axes = figure.subplots()
        for i, (name, (xs, ys)) in enumerate(lines.items()):
            marker = "o" if len(xs) <= 20 else None
            axes.plot(
                xs, ys, label=name, color=COLOURS[i % len(COLOURS)], marker=marker, markersize=3
            )
        axes.set(xlabel=x, ylabel=y, title=title)
        if y_range:
            axes.set_ylim(*y_range)
        axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
        axes.set_axisbelow(True)
        if len(lines) > 1:
            axes.legend(frameon=False)
        return save(figure, path)


def distance_curves(lines: Mapping[str, Sequence[float]], path: Path) -> Path:
    """Draw feature distances over the depth of the network, as figure 4 of the paper does."""
    return curves(
        {
            name: ([(i + 1) / len(distances) for i in range(len(distances))], distances)
            for name, distances in lines.items()
        },
        path,
        x="depth (share of blocks)",
        y="cosine distance of channels",
        y_range=(0.0, 0.6),
    )
