"""Feature distance over the blocks of the encoder, by epoch and between runs (figure 4)."""

from collections.abc import Sequence
from html import escape

from fcmae.reports.curves import BLOCKS, Chart, new_figure
from fcmae.reports.names import short
from fcmae.reports.run import Number, RunRecord, number

DistanceCurves = dict[Number, list[Number | None]]
"""Distance in each block, by epoch."""

MAX_EPOCHS = 8
"""Epochs that a chart shows of a run at most, evenly spaced, the last one among them."""


def distance_charts(runs: Sequence[RunRecord]) -> list[Chart]:
    """Draws the feature distance of all runs in one chart, and its course in a chart per run."""
    by_run = {i: found for i, run in enumerate(runs) if (found := by_epoch(run))}
    own = [_over_epochs(i, runs[i], epochs) for i, epochs in by_run.items()]
    return [_between(runs, by_run), *own] if len(by_run) > 1 else own


def by_epoch(run: RunRecord) -> DistanceCurves:
    """Distance in each block, in order, at each epoch."""
    found = {}
    for line in run.evaluations:
        # Numbers of two digits, and of three where there are so many.
        names = sorted((n for n in line if n.startswith(BLOCKS)), key=lambda n: (len(n), n))
        epoch = number(line.get("epoch"))
        if names and epoch is not None:
            found[epoch] = [number(line[name]) for name in names]
    return found


def _between(runs: Sequence[RunRecord], by_run: dict[int, DistanceCurves]) -> Chart:
    """The newest distances of each run over the depth, so that other depths compare."""
    figure, said = new_figure("depth (share of blocks)", from_zero=True), list[str]()
    for i, epochs in by_run.items():
        epoch, values = max(epochs.items())
        figure.add_scatter(
            x=[(block + 1) / len(values) for block in range(len(values))],
            y=values,
            name=escape(f"{runs[i].name}, epoch {short(epoch)}"),
            meta={"run": i},
            mode="lines+markers",
            hovertemplate="%{y:.4~f}",
        )
        said.append(f"{runs[i].name} at epoch {short(epoch)}: {_spread(values)}.")
    return Chart(
        key="distance-between",
        title="Newest of each run",
        metric=f"{BLOCKS}*",
        alt=f"Feature distance over the depth of the encoder. {' '.join(said)}",
        figure=figure.to_plotly_json(),
        runs=list(by_run),
        by_step=False,
    )


def _over_epochs(i: int, run: RunRecord, epochs: DistanceCurves) -> Chart:
    """A line per epoch, the later the stronger: where lines sink, features collapse."""
    figure, shown = new_figure("block", from_zero=True), spaced(sorted(epochs), MAX_EPOCHS)
    for rank, epoch in enumerate(shown):
        values = epochs[epoch]
        figure.add_scatter(
            x=list(range(1, len(values) + 1)),
            y=values,
            name=f"epoch {short(epoch)}",
            meta={"run": i},
            mode="lines",
            opacity=1 - 0.8 * (len(shown) - 1 - rank) / len(shown),
            hovertemplate="%{y:.4~f}",
        )
    said = " ".join(f"Epoch {short(epoch)}: {_spread(epochs[epoch])}." for epoch in shown)
    return Chart(
        key=f"distance-{i}",
        title=run.name,
        metric=f"{BLOCKS}*",
        alt=f"Feature distance in each block of {run.name}, a line per epoch. {said}",
        figure=figure.to_plotly_json(),
        runs=[i],
        by_step=False,
    )


def spaced(values: Sequence[Number], most: int) -> list[Number]:
    """So many of the values at most, evenly spaced, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(k * (len(values) - 1) / (most - 1))] for k in range(most)]


def _spread(values: Sequence[Number | None]) -> str:
    finite = [value for value in values if value is not None]
    if not finite:
        return "nothing finite"
    return f"from {short(min(finite))} to {short(max(finite))} over {len(values)} blocks"
