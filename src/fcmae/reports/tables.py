"""Tables of the page: what was run, how runs differ, where they ended, and on what they ran."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fcmae.reports.curves import BLOCKS, metrics_of, trained_metrics
from fcmae.reports.names import TASKS, in_words, short
from fcmae.reports.run import RunRecord, number

NONE = "-"
"""What stands where there is nothing."""

PLACES = ("out",)
"""Options that differ between any two runs and say nothing."""

PER_CLASS = ("per_class", "per_value")
"""Keys of the tables per class in a run's results."""

SHARES = ("recall", "precision", "iou", "accuracy", "ap", "ap50", "ap75")
"""Columns of those tables that are shares."""


@dataclass(frozen=True, kw_only=True)
class TableCell:
    """A cell of a table: a text and, for a number, what exactly it is."""

    text: str
    exact: str = ""


PageRow = tuple[str, list[TableCell]]
"""A name and a cell for each further column."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of the page.

    Attributes:
        title: What it shows.
        columns: The heads.
        rows: Its rows.
        runs: The number of the run that each further column belongs to; empty if to none.
        run: The run that the whole table belongs to, or None.
    """

    title: str
    columns: list[str]
    rows: list[PageRow]
    runs: list[int] = field(default_factory=list)
    run: int | None = None


def facts(run: RunRecord) -> list[tuple[str, str]]:
    """Facts that a reader wants to know about a run first."""
    options = run.flat_options
    of, epochs = "", number(options.get("optim.epochs"))
    if epochs is not None and run.epoch < epochs:
        of = f" of {short(epochs)}"
    parameters = "" if run.parameters is None else f", {run.parameters:,} weights"
    model = f"{run.model or options.get('model') or ''}{parameters}"
    steps = max((line["step"] for line in run.lines), default=0)
    found = {
        "kind": TASKS.get(run.task, run.task) or "unknown command",
        "model": model.removeprefix(", "),
        "weights from": options.get("weights") or ("scratch" if "weights" in options else None),
        "data": options.get("data"),
        "size": f"{in_text(options['size'])} pixels" if options.get("size") else None,
        "epochs": f"{short(round(run.epoch, 1))}{of}" if run.lines else None,
        "steps": f"{steps:,}" if steps else None,
        "batch": options.get("optim.batch_size"),
        "device": run.starts[-1].get("device") if run.starts else None,
    }
    return [(name, in_text(value)) for name, value in found.items() if value not in (None, "")]


def differing_options(runs: Sequence[RunRecord]) -> tuple[Table, Table]:
    """Options whose values are not the same: those that all runs have, and the others."""
    having = [(i, run.flat_options) for i, run in enumerate(runs) if run.options]
    names = {name: None for _, options in having for name in options if name not in PLACES}
    common, other = list[PageRow](), list[PageRow]()
    for name in names:
        cells = [in_text(options[name]) if name in options else NONE for _, options in having]
        if len(set(cells)) > 1:
            rows = common if all(name in options for _, options in having) else other
            rows.append((name, [TableCell(text=cell) for cell in cells]))
    columns = ["option", *(runs[i].name for i, _ in having)]
    numbers = [i for i, _ in having]
    return (
        Table(title="Options that differ", columns=columns, rows=common, runs=numbers),
        Table(title="Options of some runs only", columns=columns, rows=other, runs=numbers),
    )


def final_metrics(runs: Sequence[RunRecord]) -> Table:
    """The newest value of every metric."""
    evaluated = metrics_of([line for run in runs for line in run.evaluations])
    metrics = [*evaluated, *trained_metrics(runs)]
    rows = []
    for metric in metrics:
        if not metric.startswith(BLOCKS):
            rows.append((in_words(metric), [newest(run, metric) for run in runs]))
    return Table(
        title="Where the runs stand",
        columns=["newest value", *(run.name for run in runs)],
        rows=rows,
        runs=list(range(len(runs))),
    )


def newest(run: RunRecord, metric: str) -> TableCell:
    """The last value of a metric in a run's records."""
    for line in reversed(run.evaluations if "/" in metric else run.steps):
        if metric in line:
            return cell(line[metric])
    return TableCell(text=NONE)


def class_tables(runs: Sequence[RunRecord]) -> list[Table]:
    """The newest table per class of each run that has one."""
    tables = []
    for i, run in enumerate(runs):
        for key in PER_CLASS:
            rows = run.results.get(key)
            if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows):
                tables.append(_class_table(i, run.name, rows))
    return tables


def _class_table(i: int, title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """A row per class; columns in which no class has a value are left out."""
    names = [n for n in rows[0] if n != "name" and any(row.get(n) is not None for row in rows)]
    return Table(
        title=title,
        columns=["class", *(name.replace("_", " ") for name in names)],
        rows=[
            (str(row.get("name", "")), [cell(row.get(n), share=n in SHARES) for n in names])
            for row in rows
        ],
        run=i,
    )


def environments(runs: Sequence[RunRecord]) -> Table:
    """Versions and devices of the newest start of each run."""
    having = [(i, run.starts[-1]) for i, run in enumerate(runs) if run.starts]
    names = {name: None for _, start in having for name in start if name not in ("command", "step")}
    rows = [(name, [cell(start.get(name)) for _, start in having]) for name in names]
    counts = [TableCell(text=str(len(runs[i].starts))) for i, _ in having]
    return Table(
        title="Environment",
        columns=["newest start", *(runs[i].name for i, _ in having)],
        rows=[*rows, ("starts of the run", counts)] if having else [],
        runs=[i for i, _ in having],
    )


def cell(value: Any, *, share: bool = False) -> TableCell:
    """A value as a table shows it."""
    amount = number(value)
    if amount is None:
        return TableCell(text=NONE if value is None else in_text(value))
    return TableCell(text=f"{amount:.1%}" if share else short(amount), exact=json.dumps(amount))


def in_text(value: Any) -> str:
    """An option's value for people."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(in_text, value))
    return str(value)
