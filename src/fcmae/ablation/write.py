"""The table as files: CSV, Markdown, JSON, and a picture."""

import csv
import datetime
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from fcmae.ablation.plan import Plan
from fcmae.ablation.table import ResultRow, Spread
from fcmae.files.durable import write_text

STEM = "table"


def write_table(root: Path, plan: Plan, rows: Sequence[ResultRow]) -> dict[str, Path]:
    """Write all files and say where they are; the picture only where there is a number."""
    paths = {kind: root / f"{STEM}.{kind}" for kind in ("json", "csv", "md")}
    facts = {"title": plan.title, "metric": str(plan.metric), "percent": plan.percent}
    facts |= {"best_by": str(plan.best_by), "direction": plan.direction}
    content = {**facts, "rows": [asdict(row) for row in rows]}
    write_text(paths["json"], json.dumps(content, indent=1) + "\n")
    write_text(paths["csv"], _as_csv(rows))
    columns, lines = as_text(plan, rows)
    write_text(paths["md"], _as_markdown(plan, columns, lines))
    if any(row.mean is not None for row in rows):
        paths["png"] = draw(root / f"{STEM}.png", plan, rows)
    return paths


def as_text(plan: Plan, rows: Sequence[ResultRow]) -> tuple[list[str], list[list[str]]]:
    """The table for people: columns and lines."""
    has_paper = any(row.paper is not None for row in rows)
    columns = ["cell", str(plan.metric), "seeds", *(["paper"] if has_paper else []), *plan.also]
    at = list(dict.fromkeys(option for row in rows for option in row.at)) if plan.search else []
    columns += [option.rpartition(".")[2] for option in (*at, *plan.best_over)]
    columns += ["parameters", "time"]
    lines = []
    for row in rows:
        spread = None if row.mean is None else Spread(mean=row.mean, std=row.std)
        line = [row.cell, _shown(spread, percent=plan.percent), f"{row.seeds} of {len(plan.seeds)}"]
        if has_paper:
            line.append("-" if row.paper is None else f"{row.paper:g}")
        line += [_shown(row.also.get(head), percent=False) for head in plan.also]
        line += [row.at.get(option, "-") for option in at]
        line += [row.choice.get(option, "-") for option in plan.best_over]
        line += ["-" if row.parameters is None else f"{row.parameters:,}", _time(row)]
        lines.append(line)
    return columns, lines


def _shown(spread: Spread | None, *, percent: bool) -> str:
    if spread is None:
        return "-"
    scale, form = (100, "{:.1f}") if percent else (1, "{:.4g}")
    mean = form.format(scale * spread.mean)
    return mean if spread.std is None else f"{mean} ± {form.format(scale * spread.std)}"


def _time(row: ResultRow) -> str:
    """Time of a cell's steps; more than that where one was begun more than once."""
    if not row.seconds:
        return "-"
    seconds = round(sum(row.seconds.values()))
    return f"{'> ' if row.resumed else ''}{datetime.timedelta(seconds=seconds)}"


def _as_csv(rows: Sequence[ResultRow]) -> str:
    """One line per cell with every number; spread out, so that no cell of it needs parsing."""
    flat = []
    for row in rows:
        line = {k: v for k, v in asdict(row).items() if not isinstance(v, dict)}
        for kind, values in (("seed", row.values), ("seconds", row.seconds), ("at", row.at)):
            line |= {f"{kind} {name}": value for name, value in values.items()}
        for head, spread in row.also.items():
            line |= {head: spread.mean, f"{head} std": spread.std}
        flat.append(line | {f"best {name}": value for name, value in row.choice.items()})
    text = io.StringIO()
    columns = list(dict.fromkeys(name for line in flat for name in line))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return text.getvalue()


def best_of(plan: Plan) -> str | None:
    """Names the best choice, or point of a search; None where nothing is chosen."""
    if not plan.best_over and plan.search is None:
        return None
    how = {"maximize": "highest", "minimize": "lowest"}[plan.direction]
    return f"The best has the {how} {plan.best_by} (direction: {plan.direction})."


def _as_markdown(plan: Plan, columns: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    best = best_of(plan)
    head = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    told = [f"## {plan.title}", "", *head, *(f"| {' | '.join(x)} |" for x in lines), ""]
    return "\n".join(told if best is None else [*told, best, ""])


def draw(path: Path, plan: Plan, rows: Sequence[ResultRow]) -> Path:
    """Lines along an axis of numbers, else bars."""
    from fcmae.analysis.comparison import bars, points

    scale = 100 if plan.percent else 1
    label = f"{plan.metric}{' in percent' if plan.percent else ''}"
    shown = [row for row in rows if row.mean is not None]
    means = [scale * (row.mean or 0.0) for row in shown]
    stds = [None if row.std is None else scale * row.std for row in shown]
    papers = [row.paper for row in shown]
    axis = numeric_axis(rows)
    if axis is None:
        return bars([row.cell for row in shown], means, stds, path, papers=papers, y=label,
                    title=plan.title)  # fmt: skip
    at = [float(row.at[axis]) for row in shown]
    return points(at, means, stds, path, papers=papers, x=axis, y=label, title=plan.title)


def numeric_axis(rows: Sequence[ResultRow]) -> str | None:
    """The plan's only axis, where all its values are numbers."""
    names = {name for row in rows for name in row.at}
    if len(names) != 1 or len({tuple(row.at.items()) for row in rows}) < len(rows):
        return None
    (axis,) = names
    try:
        for row in rows:
            float(row.at[axis])
    except ValueError:
        return None
    return axis
