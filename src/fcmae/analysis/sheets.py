"""Sheets of images: neighbours, evidence for a class, mistakes, activation maps."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from fcmae.analysis.pictures import COLOURS, INK, STYLE, save

PAGE_IN = 7.0
"""Width of a sheet on paper, in inches."""
CAPTION_IN = 0.2
RIGHT, WRONG = COLOURS[0], COLOURS[1]
LETTERS_PER_IN = 15
"""Letters of a caption that fit into an inch."""

Shown = Float[Tensor, "rows columns colours"]
"""A picture as ``as_shown`` makes them."""
Map = Float[Tensor, "h w"]
Maps = Float[Tensor, "c h w"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A picture on a sheet.

    Attributes:
        picture: The pixels.
        caption: A name below it, cut short where it does not fit.
        value: A number after the name.
        side: A line along its left side.
        frame: Colour of its frame, or None.
        heat: A map from 0 to 1 that is laid over it.
    """

    picture: Shown
    caption: str = ""
    value: float | None = None
    side: str = ""
    frame: str | None = None
    heat: Map | None = None


def sheet(rows: Sequence[Sequence[Cell]], titles: Sequence[str], path: Path) -> Path:
    """Draw rows of pictures, which may be of different lengths, under the titles of the columns."""
    columns = max(len(row) for row in rows)
    height, width = rows[0][0].picture.shape[:2]
    wide = min(PAGE_IN, columns * 1.7)
    cell = wide / columns
    tall = cell * height / width * 0.94 + CAPTION_IN
    with mpl.rc_context({**STYLE, "font.size": 7.5}):
        figure = Figure(figsize=(wide, tall * len(rows)))
        figure.subplots_adjust(0, 0, 1, 1, wspace=0.06, hspace=CAPTION_IN / (tall - CAPTION_IN))
        grid = figure.subplots(len(rows), columns, squeeze=False)
        for line, row in zip(grid, rows, strict=True):
            for place, axes in enumerate(line):
                if place < len(row):
                    _draw(axes, row[place], round(cell * LETTERS_PER_IN))
                else:
                    axes.set_axis_off()
        for axes, title in zip(grid[0], titles, strict=False):
            axes.set_title(title, loc="center", fontsize=8.5)
        return save(figure, path)


def _draw(axes: Axes, cell: Cell, letters: int) -> None:
    height, width = cell.picture.shape[:2]
    axes.imshow(cell.picture.numpy(), cmap="gray", vmin=0, vmax=1)
    if cell.heat is not None:
        axes.imshow(
            cell.heat.numpy(), cmap="inferno", vmin=0, vmax=1, alpha=0.55,
            interpolation="bilinear", extent=(-0.5, width - 0.5, height - 0.5, -0.5),
        )  # fmt: skip
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(cell.frame is not None)
    axes.spines[:].set(color=cell.frame or INK, linewidth=2.5)
    value = "" if cell.value is None else f" {cell.value:.2f}"
    axes.set_xlabel(f"{shortened(cell.caption, letters - len(value))}{value}".strip(), labelpad=2)
    axes.set_ylabel(shortened(cell.side, letters), fontweight="bold")


def map_sheet(
    picture: Shown, maps: Maps, names: Sequence[str], path: Path, *, title: str = ""
) -> Path:
    """Draw an image and beside it maps of it, all in one scale of colours.

    Args:
        picture: The image.
        maps: One per channel.
        names: What stands above each map.
        path: Where the sheet goes.
        title: What stands above the image.
    """
    columns = min(8, len(maps))
    rows = -(-len(maps) // columns)
    low, high = _range(maps)
    # The image is as large as three maps, whose names take a third of an inch from each row.
    side = PAGE_IN / (columns + 3.4)
    ratio = picture.shape[0] / picture.shape[1]
    with mpl.rc_context({**STYLE, "font.size": 6.5}):
        figure = Figure(
            figsize=(PAGE_IN, max(rows * (side * ratio + 0.14), 3 * side * ratio + 0.5))
        )
        outer = figure.add_gridspec(1, 2, width_ratios=(3, columns), wspace=0.06)
        axes = figure.add_subplot(outer[0])
        axes.set_anchor("N")
        axes.imshow(picture.numpy(), cmap="gray", vmin=0, vmax=1)
        axes.set_axis_off()
        axes.set_title(title, fontsize=8, loc="center")
        inner = outer[1].subgridspec(rows, columns, wspace=0.08, hspace=0.3)
        image: Any = None
        for number, (map_, name) in enumerate(zip(maps, names, strict=True)):
            small = figure.add_subplot(inner[number // columns, number % columns])
            image = small.imshow(map_.numpy(), cmap="cividis", vmin=low, vmax=high)
            small.set_axis_off()
            small.set_title(name, fontsize=6, loc="center", pad=1.5)
        below = axes.inset_axes((0, -0.1, 1, 0.05))
        bar = figure.colorbar(image, cax=below, orientation="horizontal")
        bar.set_label("activation")
        bar.outline.set_visible(False)  # type: ignore[operator]
        return save(figure, path)


def _range(maps: Maps) -> tuple[float, float]:
    """Ends of the scale that all maps share; single extreme values do not stretch it."""
    low, high = np.percentile(maps.numpy(), (1, 99)).tolist()
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def shortened(name: str, letters: int) -> str:
    """A name of at most so many letters."""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"
