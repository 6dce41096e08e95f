"""Numbers over the depth of a net: curves, shares of channels, histograms by stage."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fcmae.analysis.pictures import COLOURS, INK, STYLE, in_legend, save

BAND = "#f3f5f7"
GRID = "#e4e7eb"
DEAD, SATURATED = INK, COLOURS[1]
MAX_LINES = 4
"""Blocks of a stage that get a histogram of their own."""
BINS = 25

Curve = Mapping[str, Sequence[float]]
Values = Float[np.ndarray, " _"]


def over_depth(
    lines: Curve,
    stages: Sequence[int],
    path: Path,
    *,
    y: str,
    y_range: tuple[float, float],
) -> Path:
    """Draw a value for each block as a line over the depth, one line per net.

    Args:
        lines: The values of each net, of which there may be different numbers.
        stages: The stage of each block of the first net, drawn as bands.
        path: Where the picture goes.
        y: What the values are.
        y_range: Ends of the axis.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 3.2))
        axes = figure.subplots()
        _bands(axes, stages)
        for (name, values), colour in zip(lines.items(), COLOURS, strict=False):
            depth = _depth(len(values))
            axes.plot(depth, values, label=in_legend(name), color=colour, marker="o", markersize=4)
        axes.set(xlabel="depth (share of blocks)", ylabel=y, xlim=(0, 1.02), ylim=y_range)
        axes.grid(axis="y", color=GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        if len(lines) > 1:
            _legend_above(axes)
        return save(figure, path)


def inactive_bars(
    shares: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    stages: Mapping[str, Sequence[int]],
    path: Path,
) -> Path:
    """Draw the share of dead and, on top, of saturated maps in each block; a panel per net.

    Args:
        shares: Both shares of each block, by net.
        stages: The stage of each block, by net.
        path: Where the picture goes.
    """
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 2.4 * len(shares)))
        panels = figure.subplots(len(shares), 1, squeeze=False)[:, 0]
        highest = max(
            d + s for dead, sat in shares.values() for d, s in zip(dead, sat, strict=True)
        )
        for axes, (name, (dead, saturated)) in zip(panels, shares.items(), strict=True):
            width = 0.8 / len(dead)
            depth = np.array(_depth(len(dead))) - 0.5 / len(dead)
            _bands(axes, stages[name])
            axes.bar(depth, dead, width, color=DEAD, label="dead")
            axes.bar(depth, saturated, width, bottom=dead, color=SATURATED, label="saturated")
            axes.set(ylabel="share of maps", xlim=(0, 1), ylim=(0, max(0.05, 1.1 * highest)))
            axes.yaxis.set_major_formatter(_percent)
            axes.grid(axis="y", color=GRID, linewidth=0.8)
            axes.set_axisbelow(True)
            if len(shares) > 1:
                axes.set_title(name, pad=14)
        panels[-1].set_xlabel("depth (share of blocks)")
        _legend_above(panels[0])
        figure.tight_layout(h_pad=1.5)
        return save(figure, path)


def stage_histograms(
    by_net: Mapping[str, Mapping[int, Sequence[Values]]], path: Path, *, x: str
) -> Path:
    """Draw the distribution of a value in [0, 1] over channels, a panel per stage.

    Of one net, each block of a stage has its line, the later the darker; of several nets, all
    blocks of a stage are one line, so that the nets can be told apart.

    Args:
        by_net: The values of the channels of each block, by net and stage.
        path: Where the picture goes.
        x: What the values are.
    """
    stages = sorted({stage for net in by_net.values() for stage in net})
    edges = np.linspace(0, 1, BINS + 1)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7, 4.6 if len(stages) > 2 else 2.6))
        rows = -(-len(stages) // 2)
        grid = figure.subplots(rows, min(2, len(stages)), squeeze=False, sharex=True).flatten()
        for axes, stage in zip(grid, stages, strict=False):
            for name, values, colour in _series(by_net, stage):
                shares = np.histogram(values, edges)[0] / max(1, len(values))
                axes.stairs(shares, edges, color=colour, label=in_legend(name), linewidth=1.6)
            axes.set(title=f"stage {stage}", xlim=(0, 1))
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_formatter(_percent)
            if len(by_net) == 1:
                axes.legend(frameon=False, fontsize=8)
        for axes in grid[len(stages) :]:
            axes.set_axis_off()
        figure.supxlabel(x, fontsize=9)
        figure.supylabel("share of channels", fontsize=9)
        figure.tight_layout()
        if len(by_net) > 1:
            handles, names = grid[0].get_legend_handles_labels()
            figure.legend(
                handles, names, loc="lower right", bbox_to_anchor=(0.99, 0.98), ncols=4,
                frameon=False,
            )  # fmt: skip
        return save(figure, path)


def _series(
    by_net: Mapping[str, Mapping[int, Sequence[Values]]], stage: int
) -> list[tuple[str, Values, object]]:
    """Name, values and colour of each line of a panel."""
    if len(by_net) > 1:
        return [
            (name, np.concatenate(net[stage]), colour)
            for (name, net), colour in zip(by_net.items(), COLOURS, strict=False)
            if stage in net
        ]
    [net] = by_net.values()
    blocks, shades = net[stage], mpl.colormaps["Blues"]
    chosen = np.unique(np.linspace(0, len(blocks) - 1, min(MAX_LINES, len(blocks))).round())
    return [
        (f"block {int(i) + 1}", blocks[int(i)], shades(0.35 + 0.6 * (int(i) + 1) / len(blocks)))
        for i in chosen
    ]


def _percent(share: float, place: int | None) -> str:
    return f"{100 * share:.3g}%"


def _depth(blocks: int) -> list[float]:
    return [(i + 1) / blocks for i in range(blocks)]


def _bands(axes: Axes, stages: Sequence[int]) -> None:
    """A ground that tells the stages apart, and their names above it."""
    ends = [i for i in range(1, len(stages)) if stages[i] != stages[i - 1]]
    for begin, end in zip([0, *ends], [*ends, len(stages)], strict=True):
        left, right = begin / len(stages), end / len(stages)
        if stages[begin] % 2 == 0:
            axes.axvspan(left, right, color=BAND, linewidth=0)
        axes.text(
            (left + right) / 2, 1.01, f"stage {stages[begin]}", ha="center", va="bottom",
            fontsize=8, color="#616e7c", transform=axes.get_xaxis_transform(),
        )  # fmt: skip


def _legend_above(axes: Axes) -> None:
    """Above the names of the stages."""
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.06), ncols=4, frameon=False)
