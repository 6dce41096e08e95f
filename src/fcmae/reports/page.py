"""The page: its parts put into the template, with plotly.js, style and script inside."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from fcmae import __version__
from fcmae.reports import tables
from fcmae.reports.analyses import Analysis, analyses_of
from fcmae.reports.curves import Chart, evaluation_charts, training_charts
from fcmae.reports.distance import distance_charts
from fcmae.reports.pictures import Series, reconstructions, series_of
from fcmae.reports.run import RunRecord


@dataclass(frozen=True, kw_only=True)
class ShownRun:
    """A run as the page shows it.

    Attributes:
        record: Its records.
        facts: What a reader wants to know first.
        options: All options as text.
        courses: Pictures by epoch.
        pictures: Other pictures.
        analyses: What ``fcmae analyze`` found.
        notes: What is missing or could not be shown.
    """

    record: RunRecord
    facts: list[tuple[str, str]]
    options: list[tuple[str, str]]
    courses: list[Series]
    pictures: list[Series]
    analyses: list[Analysis]
    notes: list[str]


def page(records: Sequence[RunRecord]) -> str:
    """The whole page as HTML; nothing in it is fetched from anywhere."""
    environment = Environment(
        loader=PackageLoader("fcmae", "reports/page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scripts = [get_plotlyjs(), _file(environment, "script.js")]
    charts = {
        "Training": training_charts(records),
        "Evaluation": evaluation_charts(records),
        "Feature distance of blocks": distance_charts(records),
    }
    return environment.get_template("page.html").render(
        version=__version__,
        made=datetime.now(timezone.utc),
        runs=[shown(record) for record in records],
        charts=charts,
        figures=_figures(charts),
        differing=tables.differing_options(records),
        final=tables.final_metrics(records),
        classes=tables.class_tables(records),
        environments=tables.environments(records),
        style=Markup(_file(environment, "style.css")),
        scripts=[Markup(script) for script in scripts],
        hashes=[_hash(script) for script in scripts],
    )


def shown(record: RunRecord) -> ShownRun:
    """Everything of a run that does not need the other runs."""
    series, of_pictures = series_of(record)
    analyses, of_analyses = analyses_of(record)
    courses = reconstructions(series)
    return ShownRun(
        record=record,
        facts=tables.facts(record),
        options=[(name, tables.in_text(value)) for name, value in record.flat_options.items()],
        courses=courses,
        pictures=[one for one in series if one not in courses],
        analyses=analyses,
        notes=[*record.missing, *of_pictures, *of_analyses],
    )


def _figures(charts: dict[str, list[Chart]]) -> dict[str, dict[str, Any]]:
    """Figures that the page's script draws, by the name of the chart."""
    return {
        chart.key: {**chart.figure, "byStep": chart.by_step}
        for group in charts.values()
        for chart in group
    }


def _file(environment: Environment, name: str) -> str:
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def _hash(script: str) -> str:
    """Hash by which the page's policy allows a script; no other one may run."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
