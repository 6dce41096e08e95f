"""Curves of the metrics over a run, several runs in one chart."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import plotly.graph_objects as go

from fcmae.reports.names import TASKS, in_words, short
from fcmae.reports.run import Line, Number, RunRecord, number

MAX_POINTS = 1200
"""Points of a curve at most; of each stretch of a longer one its extremes are kept."""

FEW = 12
"""Points up to which each has a mark of its own."""

FIRST = ("loss", "lr", "grad_norm", "images_per_s", "data_wait")
"""Numbers of training that lead; others follow."""

BLOCKS = "feature_distance/block_"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A chart of the page.

    Attributes:
        key: Its name within the page.
        title: Its heading.
        metric: The metric that it shows, as the records call it.
        alt: What it shows, for a reader who cannot see it.
        figure: What plotly.js draws.
        runs: Numbers of the runs in it.
        by_step: Whether it may also be drawn over steps rather than epochs.
    """

    key: str
    title: str
    metric: str
    alt: str
    figure: dict[str, Any]
    runs: list[int]
    by_step: bool = True


@dataclass(frozen=True, kw_only=True)
class Point:
    """A value at a place of the run."""

    step: int
    epoch: Number
    value: Number | None


def training_charts(runs: Sequence[RunRecord]) -> list[Chart]:
    """A chart for each number that training leaves; losses of different tasks do not compare."""
    lines, charts = [run.steps for run in runs], list[Chart]()
    tasks = list(dict.fromkeys(run.task for run in runs))
    for metric in trained_metrics(runs):
        if metric != "loss" or len(tasks) == 1:
            charts.append(chart(metric, runs, lines))
            continue
        for task in tasks:
            own = [run.steps if run.task == task else [] for run in runs]
            charts.append(chart(metric, runs, own, of=task or "other"))
    return with_a_course(charts)


def trained_metrics(runs: Sequence[RunRecord]) -> list[str]:
    """Names of the numbers that training leaves."""
    metrics = metrics_of([line for run in runs for line in run.steps])
    return [*(m for m in FIRST if m in metrics), *(m for m in metrics if m not in FIRST)]


def evaluation_charts(runs: Sequence[RunRecord]) -> list[Chart]:
    """A chart for each number of the evaluations, but for those of single blocks."""
    metrics = metrics_of([line for run in runs for line in run.evaluations])
    wanted = [metric for metric in metrics if not metric.startswith(BLOCKS)]
    lines = [run.evaluations for run in runs]
    return with_a_course([chart(metric, runs, lines, from_zero=True) for metric in wanted])


def with_a_course(charts: Sequence[Chart]) -> list[Chart]:
    """Those in which a run has two values or more: of a single one, the table tells."""
    return [one for one in charts if any(len(trace["y"]) > 1 for trace in one.figure["data"])]


def metrics_of(lines: Sequence[Line]) -> list[str]:
    """Names of the numbers in some lines, in the order in which they first appear."""
    names = {n: None for line in lines for n, value in line.items() if number(value) is not None}
    return [name for name in names if name not in ("step", "epoch")]


def chart(
    metric: str,
    runs: Sequence[RunRecord],
    lines: Sequence[Sequence[Line]],
    *,
    of: str = "",
    from_zero: bool = False,
) -> Chart:
    """The curve of a metric for each run that has it.

    Args:
        metric: Its name in the records.
        runs: All runs of the page.
        lines: Of each run, the lines to take it from.
        of: The task that these runs have in common, where others do not compare.
        from_zero: Whether the axis begins at zero.
    """
    figure, said, shown = new_figure("epoch", from_zero=from_zero), list[str](), list[int]()
    for i, (run, own) in enumerate(zip(runs, lines, strict=True)):
        points = points_of(own, metric)
        if all(point.value is None for point in points):
            continue
        shown.append(i)
        said.append(in_a_sentence(run.name, points))
        kept = thinned(points)
        figure.add_scatter(
            x=[point.epoch for point in kept],
            y=[point.value for point in kept],
            customdata=[point.step for point in kept],
            name=escape(run.name),
            meta={"run": i},
            mode="lines+markers" if len(kept) <= FEW else "lines",
            hovertemplate="%{y:.5~g} · step %{customdata:,}",
        )
    title = f"{in_words(metric)}, {TASKS.get(of, of)}" if of else in_words(metric)
    return Chart(
        key="-".join(["chart", *f"{metric} {of}".replace("/", " ").split()]),
        title=title,
        metric=metric,
        alt=f"{title} by epoch. {' '.join(said)}",
        figure=figure.to_plotly_json(),
        runs=shown,
    )


def new_figure(x: str, *, from_zero: bool = False) -> go.Figure:
    """An empty chart; the page gives it the colours of its theme."""
    return go.Figure(
        layout={
            "template": "none",
            "height": 270,
            "margin": {"l": 56, "r": 12, "t": 8, "b": 44},
            "showlegend": False,
            "hovermode": "x unified",
            "xaxis": {
                "title": {"text": x, "standoff": 8},
                "hoverformat": ".4~g",
                "zeroline": False,
            },
            "yaxis": {
                "zeroline": False,
                "exponentformat": "power",
                "rangemode": "tozero" if from_zero else "normal",
            },
        }
    )


def points_of(lines: Sequence[Line], metric: str) -> list[Point]:
    """A metric's values, None where one was not finite; lines without a place are left out."""
    return [
        Point(step=line["step"], epoch=epoch, value=number(line[metric]))
        for line in lines
        if metric in line and (epoch := number(line.get("epoch"))) is not None
    ]


def thinned(points: Sequence[Point]) -> list[Point]:
    """The first and last point and the extremes of each stretch, so that no spike is lost."""
    if len(points) <= MAX_POINTS:
        return list(points)
    length = -(-2 * len(points) // (MAX_POINTS - 2))
    kept = {0, len(points) - 1}
    for start in range(0, len(points), length):
        values = [(p.value, i) for i, p in enumerate(points[start : start + length], start)]
        finite = [(value, i) for value, i in values if value is not None]
        kept |= {min(finite)[1], max(finite)[1]} if finite else {start}
    return [points[i] for i in sorted(kept)]


def in_a_sentence(name: str, points: Sequence[Point]) -> str:
    """From where to where a curve goes."""
    finite = [point for point in points if point.value is not None]
    first, last = finite[0], finite[-1]
    if len(finite) == 1:
        return f"{name}: {short(first.value or 0)} at epoch {short(first.epoch)}."
    return (
        f"{name}: from {short(first.value or 0)} at epoch {short(first.epoch)} "
        f"to {short(last.value or 0)} at epoch {short(last.epoch)}."
    )
