"""Results in notebooks: a table and pictures to look at, and data frames to go on with."""

import base64
import dataclasses
import io
import math
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fcmae.engine.folder import metric_lines

if TYPE_CHECKING:
    from pandas import DataFrame

MAX_NUMBERS = 24
"""Numbers in the table of a result."""

MAX_ROWS = 10
"""Rows of each further table, such as that of the classes."""

MAX_PICTURES = 6
"""Pictures shown; of a folder, those of the latest epochs."""

MAX_SIDE = 480
"""Pixels of the longer side of a picture shown."""

MAX_PIXELS = 80_000_000
"""Pixels of the largest picture that is read."""

PICTURES = (".png", ".jpg", ".jpeg")
PROBLEMS = ("unusable", "problems")
"""Fields that list what could not be used: shown as a count, and as a data frame by name."""


class Result:
    """Base of the dataclasses that the functions return."""

    def to_frame(self, name: str | None = None) -> "DataFrame":
        """A table of the result as a pandas data frame.

        Args:
            name: A field that holds a table, such as ``per_class`` or ``unusable``; by default the
                table file that was written (.csv, .parquet), else the first field with a table,
                else the numbers of the result as one row.

        Raises:
            ImportError: pandas is not installed.
            ValueError: There is no such field, or it holds no table.
        """
        tables, pandas = dict(_tables(self)), _pandas()
        if name is not None:
            if name in tables:
                return pandas.DataFrame(tables[name])
            known = f"are {', '.join(tables)}" if tables else "are none"
            raise ValueError(f"{type(self).__name__} has no table {name!r}: its tables {known}.")
        written = getattr(self, "out", None)
        if isinstance(written, Path) and written.is_file():
            if written.suffix == ".csv":
                return pandas.read_csv(written)
            if written.suffix == ".parquet":
                return pandas.read_parquet(written)
        first = next((rows for key, rows in tables.items() if key not in PROBLEMS), None)
        return pandas.DataFrame([dict(_numbers(self))] if first is None else first)

    def _repr_html_(self) -> str:
        """HTML for a notebook: numbers, tables and pictures, each up to a limit."""
        numbers = [(name, value) for name, value in _numbers(self)][:MAX_NUMBERS]
        parts = [f"<strong>{escape(type(self).__name__)}</strong>", _html_table(numbers)]
        for name, rows in _tables(self):
            if name in PROBLEMS:
                parts += [f"<p>{escape(name)}: {len(rows)}</p>"] if rows else []
            elif rows:
                parts.append(_html_rows(name, rows))
        parts += [_html_picture(path, source) for path, source in _thumbnails(_pictures(self))]
        return "\n".join(parts)


class TrainingResult(Result):
    """Base of what trainings return; ``out`` is the folder of the run."""

    out: Path

    def history(self) -> "DataFrame":
        """The metrics of the run by step, from its ``metrics.jsonl``, as a pandas data frame.

        A row per line of the file, of the ``kind`` that the column says; what a line does not have
        is NaN.

        Raises:
            ImportError: pandas is not installed.
        """
        return _pandas().DataFrame(metric_lines(self.out / "metrics.jsonl"))


def _pandas() -> Any:
    try:
        import pandas
    except ImportError:
        raise ImportError(
            "data frames need pandas: pip install 'fcmae[notebook]'. The same numbers are fields "
            "of the result."
        ) from None
    return pandas


def _values(result: Any) -> Iterator[tuple[str, Any]]:
    """The fields of a dataclass."""
    return ((field.name, getattr(result, field.name)) for field in dataclasses.fields(result))


def _numbers(result: Any) -> Iterator[tuple[str, Any]]:
    """The numbers, words and paths of a result by name; those in mappings as ``metrics.loss``."""
    for name, value in _values(result):
        if _is_single(value):
            yield name, value
        elif isinstance(value, Mapping) and all(map(_is_single, value.values())):
            yield from ((f"{name}.{key}", item) for key, item in value.items())


def _tables(result: Any) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The fields that hold records, each a mapping or a dataclass."""
    for name, value in _values(result):
        if isinstance(value, list) and (value or name in PROBLEMS):
            if all(isinstance(row, Mapping) for row in value):
                yield name, [dict(row) for row in value]
            elif all(dataclasses.is_dataclass(row) for row in value):
                yield name, [dict(_numbers(row)) for row in value]


def _pictures(result: Any) -> list[Path]:
    """The pictures of a result: files that it names, and those in its folder of pictures."""
    values = dict(_values(result))
    found = values.get("pictures", values.get("out"))
    named = [path for path in values.values() if isinstance(path, Path) and _is_picture(path)]
    if isinstance(found, Path) and found.is_dir():
        named += sorted(filter(_is_picture, found.iterdir()), key=_by_epoch)[:MAX_PICTURES]
    elif isinstance(found, list):
        named += found
    return named[:MAX_PICTURES]


def _by_epoch(path: Path) -> tuple[int, str]:
    """Sorts pictures of later epochs, as in ``confusion-0020.png``, before those of earlier."""
    epoch = re.search(r"-(\d{4,})(-\d+)?$", path.stem)
    return (-int(epoch[1]) if epoch else 0, path.name)


def _thumbnails(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """Small PNGs as data addresses; pictures that cannot be read are left out."""
    from PIL import Image

    for path in paths:
        try:
            with warnings.catch_warnings(), Image.open(path) as image:
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                if math.prod(image.size) > MAX_PIXELS:
                    continue
                image.thumbnail((MAX_SIDE, MAX_SIDE))
                file = io.BytesIO()
                image.convert("RGB").save(file, "PNG")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            continue
        yield path, f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"


def _html_picture(path: Path, source: str) -> str:
    name = escape(path.name)
    return f'<figure><img src="{source}" alt="{name}"><figcaption>{name}</figcaption></figure>'


def _html_rows(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """A table of records, with how many are left out."""
    columns = list(dict.fromkeys(key for row in rows[:MAX_ROWS] for key in row))
    shown = [[row.get(column) for column in columns] for row in rows[:MAX_ROWS]]
    left = len(rows) - len(shown)
    more = f"<p>... and {left} more: to_frame({escape(repr(name))})</p>" if left else ""
    return f"<p>{escape(name)}</p>{_html_table(shown, columns)}{more}"


def _html_table(rows: Sequence[Sequence[Any]], columns: Sequence[str] = ()) -> str:
    head = "".join(f"<th>{escape(str(column))}</th>" for column in columns)
    body = ("".join(f"<td>{escape(_shown(cell))}</td>" for cell in row) for row in rows)
    lines = "".join(f"<tr>{cells}</tr>" for cells in body)
    return f"<table>{f'<tr>{head}</tr>' if head else ''}{lines}</table>"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_shown(item)}" for key, item in value.items())
    return "" if value is None else str(value)


def _is_single(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, Path))


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in PICTURES
