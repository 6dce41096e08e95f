"""A table of similarities as colours."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from jaxtyping import Float
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from torch import Tensor

from fcmae.analysis.pictures import STYLE, save

MAX_WRITTEN = 14
"""Rows and columns up to which the numbers are written into the cells."""


def similarity_map(
    table: Float[Tensor, "rows columns"],
    stages: tuple[Sequence[int], Sequence[int]],
    names: tuple[str, str],
    path: Path,
) -> Path:
    """Draw how alike each block of a net (upwards) is to each of another (to the right).

    Args:
        table: The similarities, from 0 to 1.
        stages: The stage of each row, and of each column.
        names: Of the nets.
        path: Where the picture goes.
    """
    rows, columns = table.shape
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.2, 5.2))
        axes = figure.subplots()
        # Cividis is the same to people who see no red or green.
        image = axes.imshow(
            table.numpy(), origin="lower", cmap="cividis", vmin=0, vmax=1, aspect="auto"
        )
        axes.set(xlabel=names[1], ylabel=names[0])
        axes.spines[:].set_visible(False)
        for axis, of_axis in ((axes.yaxis, stages[0]), (axes.xaxis, stages[1])):
            _name_stages(axis, of_axis)
        _lines(axes.axhline, stages[0])
        _lines(axes.axvline, stages[1])
        if max(rows, columns) <= MAX_WRITTEN:
            for i, line in enumerate(table.tolist()):
                for j, value in enumerate(line):
                    colour = "black" if value > 0.6 else "white"
                    axes.text(j, i, f"{value:.2f}".lstrip("0"), ha="center", va="center",
                              color=colour, fontsize=7)  # fmt: skip
        bar = figure.colorbar(image, ax=axes, fraction=0.045, pad=0.03)
        bar.set_label("linear CKA")
        bar.outline.set_visible(False)
        return save(figure, path)


def _name_stages(axis: Axis, stages: Sequence[int]) -> None:
    """A name in the middle of each stage."""
    members = {stage: [i for i, s in enumerate(stages) if s == stage] for stage in stages}
    middles = [sum(places) / len(places) for places in members.values()]
    axis.set_ticks(middles, [f"stage {stage}" for stage in members])
    axis.set_tick_params(length=0)


def _lines(draw: object, stages: Sequence[int]) -> None:
    """A white line between stages."""
    assert callable(draw)
    for i in range(1, len(stages)):
        if stages[i] != stages[i - 1]:
            draw(i - 0.5, color="white", linewidth=1.5)
