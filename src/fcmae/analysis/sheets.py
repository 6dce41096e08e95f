"""Sheets of images: neighbours, evidence for a class, mistakes, activation maps.

A sheet is a single pair of axes whose unit is the width of a picture: many small axes are slow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from fcmae.analysis.pictures import COLOURS, STYLE, save

PAGE_IN = 7.0
"""Width of a sheet on paper, in inches."""
MOST_IN = 1.7
"""Width of a picture at most."""
CAPTION_IN = 0.2
LETTERS_PER_IN = 15
"""Letters of a caption that fit into an inch."""
GAP = 0.06
RIGHT, WRONG = COLOURS[0], COLOURS[1]

SheetImage = Float[Tensor, "rows columns colours"]
"""A picture as ``as_shown`` makes them."""
SheetMap = Float[Tensor, "h w"]
SheetMaps = Float[Tensor, "c h w"]


@dataclass(frozen=True, kw_only=True)
class SheetCell:
    """A picture on a sheet.

    Attributes:
        picture: The pixels.
        caption: A name below it, cut short where it does not fit.
        value: A number after the name.
        side: A line along its left side.
        frame: Colour of its frame, or None.
        heat: A map from 0 to 1 that is laid over it.
    """

    picture: SheetImage
    caption: str = ""
    value: float | None = None
    side: str = ""
    frame: str | None = None
    heat: SheetMap | None = None


def sheet(rows: Sequence[Sequence[SheetCell]], titles: Sequence[str], path: Path) -> Path:
    """Draw rows of pictures, which may be of different lengths, under the titles of the columns."""
    columns = max(len(row) for row in rows)
    height, width = rows[0][0].picture.shape[:2]
    unit = min(PAGE_IN / columns, MOST_IN)
    tall = height / width
    step = tall + CAPTION_IN / unit + GAP
    letters = round(unit * LETTERS_PER_IN)
    with mpl.rc_context({**STYLE, "font.size": 7.5}):
        axes = _paper(unit, columns * (1 + GAP), len(rows) * step)
        for down, row in enumerate(rows):
            for right, cell in enumerate(row):
                _draw(axes, cell, (right * (1 + GAP), down * step), tall, letters)
        for right, title in enumerate(titles):
            axes.text(right * (1 + GAP) + 0.5, -GAP, title, ha="center", va="bottom", fontsize=8.5)
        assert isinstance(axes.figure, Figure)
        return save(axes.figure, path)


def _paper(unit: float, width: float, height: float) -> Axes:
    """Axes without any ink, whose unit is so many inches, from the upper left corner down."""
    figure = Figure(figsize=(unit * width, unit * height))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return axes


def _draw(
    axes: Axes, cell: SheetCell, corner: tuple[float, float], tall: float, letters: int
) -> None:
    left, top = corner
    _image(axes, cell.picture, corner, tall, cmap="gray", vmin=0, vmax=1)
    if cell.heat is not None:
        _image(
            axes, cell.heat, corner, tall, cmap="inferno", vmin=0, vmax=1, alpha=0.55,
            interpolation="bilinear",
        )  # fmt: skip
    if cell.frame is not None:
        frame = Rectangle(corner, 1, tall, fill=False, color=cell.frame, linewidth=2.5)
        axes.add_patch(frame)
    value = "" if cell.value is None else f" {cell.value:.2f}"
    caption = f"{shortened(cell.caption, letters - len(value))}{value}".strip()
    axes.text(left + 0.5, top + tall + 0.03, caption, ha="center", va="top")
    axes.text(
        left - 0.03, top + tall / 2, shortened(cell.side, letters), ha="right", va="center",
        rotation=90, fontweight="bold",
    )  # fmt: skip


def _image(
    axes: Axes, picture: Tensor, corner: tuple[float, float], tall: float, **look: Any
) -> Any:
    """A picture of width 1 below and to the right of a corner."""
    left, top = corner
    extent = (left, left + 1, top + tall, top)
    return axes.imshow(picture.numpy(), extent=extent, aspect="auto", **look)


def map_sheet(
    picture: SheetImage, maps: SheetMaps, names: Sequence[str], path: Path, *, title: str = ""
) -> Path:
    """Draw an image and beside it maps of it, all in one scale of colours.

    Args:
        picture: The image, drawn as wide as three maps.
        maps: One per channel.
        names: What stands above each map.
        path: Where the sheet goes.
        title: What stands above the image.
    """
    columns = min(8, len(maps))
    rows, tall = -(-len(maps) // columns), picture.shape[0] / picture.shape[1]
    width = 3 + 3 * GAP + columns * (1 + GAP)
    unit = min(PAGE_IN / width, MOST_IN)
    step, head = tall + 0.26, 0.22
    height = max(head + rows * step, head + 3 * tall + 0.8)
    low, high = _range(maps)
    with mpl.rc_context({**STYLE, "font.size": 6.5}):
        axes = _paper(unit, width, height)
        axes.text(1.5, head - 0.05, title, ha="center", va="bottom", fontsize=8)
        whole = (0.0, 3.0, head + 3 * tall, head)
        axes.imshow(picture.numpy(), extent=whole, aspect="auto", cmap="gray", vmin=0, vmax=1)
        image: Any = None
        for number, (map_, name) in enumerate(zip(maps, names, strict=True)):
            left = 3 + 3 * GAP + number % columns * (1 + GAP)
            top = head + number // columns * step
            image = _image(axes, map_, (left, top), tall, cmap="cividis", vmin=low, vmax=high)
            axes.text(left + 0.5, top - 0.03, name, ha="center", va="bottom", fontsize=6)
        below = axes.inset_axes((0, head + 3 * tall + 0.3, 3, 0.12), transform=axes.transData)
        assert isinstance(axes.figure, Figure)
        bar = axes.figure.colorbar(image, cax=below, orientation="horizontal")
        bar.set_label("activation")
        bar.outline.set_visible(False)
        axes.set(xlim=(0, width), ylim=(height, 0))
        return save(axes.figure, path)


def _range(maps: SheetMaps) -> tuple[float, float]:
    """Ends of the scale that all maps share; single extreme values do not stretch it."""
    low, high = np.percentile(maps.numpy(), (1, 99)).tolist()
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def shortened(name: str, letters: int) -> str:
    """A name of at most so many letters."""
    if letters < 1:
        return ""
    return name if len(name) <= letters else f"{name[: letters - 1]}…"
