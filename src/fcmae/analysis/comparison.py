"""Pictures of comparisons: means with their spread, and another's numbers beside them."""

import math
from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fcmae.analysis.pictures import COLOURS, INK, STYLE, save

Spreads = Sequence[float | None]
"""Deviations over seeds; None where there is one seed only, so that no spread is drawn."""

Papers = Sequence[float | None]
"""Numbers of the paper where there are some; they have a scale of their own."""


def bars(
    names: Sequence[str],
    means: Sequence[float],
    stds: Spreads,
    path: Path,
    *,
    papers: Papers = (),
    y: str,
    title: str = "",
) -> Path:
    """Draw a bar for each name."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(max(3.6, 1.2 + 0.7 * len(names)), 3.6))
        axes = figure.subplots()
        places = range(len(names))
        axes.bar(
            places, means, yerr=_lengths(stds), width=0.6, color=COLOURS[0], ecolor=INK, capsize=3
        )
        turned = max(map(len, names)) > 8
        axes.set_xticks(
            places, names, rotation=40 if turned else 0, ha="right" if turned else "center"
        )
        bottom, top = _range(means, stds)
        _frame(axes, y=y if bottom <= 0 else f"{y} (not from 0)", title=title)
        axes.set_ylim(bottom, top)
        _add_papers(axes, [float(place) for place in places], papers, line="")
        return save(figure, path)


def points(
    at: Sequence[float],
    means: Sequence[float],
    stds: Spreads,
    path: Path,
    *,
    papers: Papers = (),
    x: str,
    y: str,
    title: str = "",
) -> Path:
    """Draw a line through points, each at a number."""
    order = sorted(range(len(at)), key=lambda i: at[i])
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(5.6, 3.6))
        axes = figure.subplots()
        axes.errorbar(
            [at[i] for i in order],
            [means[i] for i in order],
            yerr=_lengths([stds[i] for i in order]),
            color=COLOURS[0], marker="o", markersize=4, capsize=3,
        )  # fmt: skip
        axes.set_xlabel(x)
        _frame(axes, y=y, title=title)
        sorted_papers = [papers[i] for i in order] if papers else []
        _add_papers(axes, [at[i] for i in order], sorted_papers, line="--")
        return save(figure, path)


def _frame(axes: Axes, *, y: str, title: str) -> None:
    axes.set_ylabel(y)
    axes.set_title(title)
    axes.grid(axis="y", color="#e4e7eb", linewidth=0.8)
    axes.set_axisbelow(True)


def _lengths(stds: Spreads) -> list[float]:
    """Lengths of error bars, of which those that are not known are not drawn."""
    return [math.nan if std is None else std for std in stds]


def _range(means: Sequence[float], stds: Spreads) -> tuple[float, float]:
    """Room around the bars; they begin at 0 unless that would hide how they differ.

    Where no spread is known, a difference below a hundredth of the values does not look large.
    """
    low = min(m - (s or 0.0) for m, s in zip(means, stds, strict=True))
    high = max(m + (s or 0.0) for m, s in zip(means, stds, strict=True))
    span = high - low or abs(high) or 1.0
    if all(std is None for std in stds):
        span = max(span, 0.01 * abs(high))
    bottom = 0.0 if 0 <= low < 3 * span else low - span
    return bottom, high + 0.25 * span


def _add_papers(axes: Axes, at: Sequence[float], papers: Papers, *, line: str) -> None:
    """Mark the paper's numbers on an axis of their own, as they are of other data."""
    known = [(x, number) for x, number in zip(at, papers, strict=False) if number is not None]
    if not known:
        return
    beside = axes.twinx()
    beside.spines["top"].set_visible(False)
    beside.spines["right"].set_visible(True)
    beside.plot(
        *zip(*known, strict=True), color=COLOURS[1], marker="D", markersize=4, linestyle=line
    )
    beside.set_ylabel("paper", color=COLOURS[1])
    beside.margins(y=0.3)
