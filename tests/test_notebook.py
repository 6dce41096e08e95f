"""Results show tables and pictures in notebooks, and become data frames."""

import base64
import dataclasses
import io
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fcmae.cli.commands import COMMANDS
from fcmae.notebook import MAX_PICTURES, MAX_ROWS, MAX_SIDE, Result, TrainingResult
from fcmae.options.fields import parts_of


@dataclass(frozen=True, kw_only=True)
class Trained(TrainingResult):
    """A result such as trainings return."""

    out: Path
    pictures: Path
    top1: float = 0.123456
    best: float | None = None
    per_class: list[dict[str, Any]] = field(default_factory=list)
    unusable: list[dict[str, str]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)


def trained(folder: Path, **values: Any) -> Trained:
    return Trained(out=folder, pictures=folder / "pictures", **values)


def draw(path: Path, size: tuple[int, int] = (8, 6)) -> None:
    path.parent.mkdir(exist_ok=True)
    Image.new("RGB", size, "red").save(path)


def images(html: str) -> list[Image.Image]:
    found = re.findall(r'src="data:image/png;base64,([^"]+)"', html)
    return [Image.open(io.BytesIO(base64.b64decode(data))) for data in found]


def test_every_result_is_at_home_in_a_notebook() -> None:
    for command in COMMANDS.values():
        for kind in parts_of(command.result):
            assert issubclass(kind, Result)


def test_numbers_tables_and_counts_are_shown(tmp_path: Path) -> None:
    rows = [{"name": f"class {n}", "recall": n / 100} for n in range(MAX_ROWS + 3)]
    unusable = [{"path": "a.jpg", "reason": "truncated"}]
    html = trained(tmp_path, per_class=rows, unusable=unusable, metrics={"loss": 0.5})._repr_html_()
    assert "<td>top1</td><td>0.1235</td>" in html
    assert "<td>best</td><td></td>" in html
    assert "<td>metrics.loss</td><td>0.5</td>" in html
    assert "<td>class 9</td><td>0.09</td>" in html
    assert "class 10" not in html
    assert "... and 3 more: to_frame(&#x27;per_class&#x27;)" in html
    assert "unusable: 1" in html
    assert "truncated" not in html


def test_names_from_outside_are_escaped(tmp_path: Path) -> None:
    draw(tmp_path / "pictures" / "<i>.png")
    result = trained(tmp_path, per_class=[{"<b>": "<script>"}], metrics={"<u>": 1.0})
    html = result._repr_html_()
    assert re.findall(r"<[bui]>|<script", html) == []
    assert "&lt;script&gt;" in html
    assert 'alt="&lt;i&gt;.png"' in html


def test_the_latest_pictures_are_shown_small(tmp_path: Path) -> None:
    for epoch in (20, 100, 1000):
        for name in ("confusion", "views"):
            draw(tmp_path / "pictures" / f"{name}-{epoch:04}.png", size=(2 * MAX_SIDE, 10))
    draw(tmp_path / "pictures" / "legend.png")
    (tmp_path / "pictures" / "views-2000.png").write_bytes(b"no picture")
    html = trained(tmp_path)._repr_html_()
    assert re.findall(r"<figcaption>(.+?)</", html) == [
        "confusion-1000.png",
        "views-1000.png",
        "confusion-0100.png",
        "views-0100.png",
        "confusion-0020.png",
    ]
    assert len(images(html)) == MAX_PICTURES - 1
    assert {image.size for image in images(html)} == {(MAX_SIDE, 5)}


def test_the_plain_text_stays_that_of_the_dataclass(tmp_path: Path) -> None:
    result = trained(tmp_path)
    values = ", ".join(f"{f.name}={getattr(result, f.name)!r}" for f in dataclasses.fields(result))
    assert repr(result) == f"Trained({values})"


def test_tables_become_data_frames(tmp_path: Path) -> None:
    rows = [{"name": "cat", "recall": 0.5}, {"name": "dog", "recall": None}]
    result = trained(tmp_path, per_class=rows, unusable=[{"path": "a", "reason": "b"}])
    frame = result.to_frame()
    assert list(frame.columns) == ["name", "recall"]
    assert list(frame["name"]) == ["cat", "dog"]
    assert frame["recall"].isna().tolist() == [False, True]
    assert result.to_frame("unusable").to_dict("records") == [{"path": "a", "reason": "b"}]
    assert trained(tmp_path).to_frame().loc[0, "top1"] == 0.123456
    with pytest.raises(ValueError, match=r"Trained has no table 'per_clas': its tables are per_"):
        result.to_frame("per_clas")


def test_a_table_that_was_written_is_read(tmp_path: Path) -> None:
    @dataclass(frozen=True, kw_only=True)
    class Predicted(Result):
        out: Path
        classes: dict[str, int]

    (tmp_path / "classes.csv").write_text("path,class\na.jpg,cat\n")
    result = Predicted(out=tmp_path / "classes.csv", classes={"cat": 1})
    assert result.to_frame().to_dict("records") == [{"path": "a.jpg", "class": "cat"}]


def test_the_history_is_that_of_the_metrics(tmp_path: Path) -> None:
    lines = [
        {"step": 1, "kind": "train", "loss": 0.9},
        {"step": 2, "kind": "evaluation", "top1": 0.5},
    ]
    written = "".join(f"{json.dumps(line)}\n" for line in lines) + '{"step": 3, "lo'
    (tmp_path / "metrics.jsonl").write_text(written)
    history = trained(tmp_path).history()
    assert history["step"].tolist() == [1, 2]
    assert history["loss"].isna().tolist() == [False, True]
    assert history["top1"][1] == 0.5


def test_without_pandas_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r"data frames need pandas: pip install 'fcmae\[note"):
        trained(tmp_path).to_frame()
    assert "<table>" in trained(tmp_path)._repr_html_()
