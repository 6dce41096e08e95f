"""Reads what ``fcmae analyze`` left in a run's folder: pictures with their numbers."""

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fcmae.engine.folder import ANALYSIS
from fcmae.reports.names import short
from fcmae.reports.pictures import PagePicture, embedded
from fcmae.reports.run import RunRecord, number

MAX_ROWS = 50
"""Rows of a table of numbers that the page shows."""

MAX_TEXT = 10_000
"""Characters of a JSON file of numbers that the page shows."""


MAX_NAME = 100
"""Characters of a file's name in a message."""


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """One entry of ``analysis.json``.

    Attributes:
        title: What was analysed.
        summary: The main numbers, by label.
        picture: The picture, if there is one.
        numbers: Name of the file with all numbers; empty if there is none.
        rows: The first rows of that file, the header first.
        rest: Rows that are in the file only.
        text: The beginning of that file where it is JSON.
    """

    title: str
    summary: dict[str, str]
    picture: PagePicture | None
    numbers: str
    rows: list[list[str]]
    rest: int
    text: str


def analyses_of(run: RunRecord) -> tuple[list[Analysis], list[str]]:
    """The analyses of a run, and a sentence about each part that cannot be shown."""
    folder = run.root / ANALYSIS
    path = folder / "analysis.json"
    if not path.is_file():
        return [], []
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        return [], [f"analysis/{path.name} cannot be read: {str(error).splitlines()[0]}."]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        return [], [f"analysis/{path.name} holds something else than a list of analyses."]
    notes = list[str]()
    return [_analysis(folder, entry, notes) for entry in entries], notes


def _analysis(folder: Path, entry: dict[str, Any], notes: list[str]) -> Analysis:
    """One entry; what of it cannot be read is left out and noted."""
    title = str(entry.get("title") or entry.get("name") or "Analysis")
    picture = None
    if entry.get("picture"):
        try:
            picture = embedded(_inside(folder, entry["picture"]), str(entry.get("alt") or title))
        except ValueError as error:
            notes.append(f"analysis: {error}.")
    rows, rest, text = list[list[str]](), 0, ""
    if entry.get("numbers"):
        try:
            path = _inside(folder, entry["numbers"])
            rows, rest, text = _numbers(path)
        except (OSError, ValueError, csv.Error) as error:
            notes.append(f"analysis: the numbers of {title} cannot be read: {error}.")
    summary = entry.get("summary")
    return Analysis(
        title=title,
        summary=_summary(summary if isinstance(summary, dict) else {}),
        picture=picture,
        numbers=str(entry.get("numbers") or ""),
        rows=rows,
        rest=rest,
        text=text,
    )


def _inside(folder: Path, name: Any) -> Path:
    """A file of the analysis; other places of the machine do not belong into the page."""
    absent = f"there is no {str(name)[:MAX_NAME]}"
    try:
        path = (folder / str(name)).resolve()
        if path.is_relative_to(folder.resolve()) and path.is_file():
            return path
    except (OSError, ValueError) as error:
        raise ValueError(absent) from error
    raise ValueError(absent)


def _numbers(path: Path) -> tuple[list[list[str]], int, str]:
    """Rows of a table, how many more there are, or the text of another file."""
    if path.suffix != ".csv":
        text = path.read_text(encoding="utf-8")
        return [], 0, text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}\n…"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return rows[: MAX_ROWS + 1], max(len(rows) - MAX_ROWS - 1, 0), ""


def _summary(summary: dict[str, Any]) -> dict[str, str]:
    """The main numbers as text."""
    return {str(label): _text_of(value) for label, value in summary.items()}


def _text_of(value: Any) -> str:
    """A number in few digits, anything else as it is; a dash where there was no number."""
    if value is None:
        return "-"
    return str(value) if (n := number(value)) is None else short(n)
