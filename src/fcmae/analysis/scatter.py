"""Images as points on paper, coloured by class."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from fcmae.analysis.pictures import STYLE, in_legend, save
from fcmae.types import Labels

COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#7f7f7f", "#b8a800",
)  # fmt: skip
"""Six of Okabe and Ito's colours, a grey and a dark yellow, which people who see no red or green
can tell apart."""

MARKERS = "os^Dv*"
"""Shapes tell apart the classes that have to share a colour."""

MAX_NAMED = 24
"""Classes that have a colour and a name, the largest ones."""


def class_scatter(
    points: Float[Tensor, "n 2"],
    labels: Labels | None,
    classes: Sequence[str],
    path: Path,
    *,
    axes_names: tuple[str, str] | None = None,
) -> Path:
    """Draw a point per image.

    Args:
        points: Where.
        labels: The class of each image, or None where there are none.
        classes: Names of the classes.
        path: Where the picture goes.
        axes_names: What the axes are; without, they have no names and no numbers.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 5) if labels is not None else (5.4, 5))
        axes = figure.subplots()
        axes.set_aspect("equal")
        size = max(6.0, min(30.0, 9000 / len(points)))
        for name, rows, colour, marker in groups(labels, classes, len(points)):
            x, y = points[rows].T.tolist()
            axes.scatter(
                x, y, size, color=colour, marker=marker, label=in_legend(name), edgecolors="white",
                linewidths=0.4, zorder=1 if name in ("", "others") else 2,
            )  # fmt: skip
        if axes_names is None:
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set_visible(False)
        else:
            axes.set(xlabel=axes_names[0], ylabel=axes_names[1])
        if labels is not None:
            axes.legend(
                loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, markerscale=1.4,
                fontsize=8, handletextpad=0.3,
            )  # fmt: skip
        return save(figure, path)


def groups(
    labels: Labels | None, classes: Sequence[str], num: int
) -> list[tuple[str, Tensor, str, str]]:
    """Name, images, colour and shape of each group of points."""
    everything = torch.arange(num)
    if labels is None:
        return [("", everything, COLOURS[0], MARKERS[0])]
    counts = torch.bincount(labels, minlength=len(classes))
    largest = counts.argsort(descending=True, stable=True)[:MAX_NAMED].sort().values
    named = [i for i in largest.tolist() if counts[i]]
    found = [
        (
            classes[label],
            everything[labels == label],
            COLOURS[place % len(COLOURS)],
            MARKERS[place // len(COLOURS) % len(MARKERS)],
        )
        for place, label in enumerate(named)
    ]
    rest = everything[~torch.isin(labels, torch.tensor(named))]
    return [*found, ("others", rest, "#c5ccd3", ".")] if len(rest) else found
