"""Pictures and numbers of tables, from rows."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from stubs import StubCommands

from fcmae.ablation.plan import Plan, plan_of
from fcmae.ablation.table import ResultRow, number_at
from fcmae.ablation.write import as_text, draw, numeric_axis, write_table
from fcmae.analysis import comparison

TREE: dict[str, Any] = {"metric": "pretrain.top1", "steps": {"pretrain": {}}, "seeds": ["0", "1"]}


def plan(**more: Any) -> Plan:
    return plan_of({**TREE, **more}, "a", StubCommands())


def at(value: str, mean: float) -> ResultRow:
    return ResultRow(
        cell=f"ratio={value}", at={"pretrain.mask.ratio": value}, mean=mean, std=0.01, seeds=2
    )


def test_an_axis_of_numbers_is_drawn_as_a_line_and_anything_else_as_bars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, drawn = [at("0.9", 0.5), at("0.25", 0.7), at("0.5", 0.75)], list[str]()
    for kind in ("bars", "points"):
        monkeypatch.setattr(
            comparison, kind, lambda *_, kind=kind, **__: drawn.append(kind) or tmp_path
        )
    draw(tmp_path, plan(), rows)
    draw(tmp_path, plan(), [*rows, at("many", 0.4)])
    draw(tmp_path, plan(), [ResultRow(cell="a", mean=0.5), ResultRow(cell="b", mean=0.7)])
    assert drawn == ["points", "bars", "bars"]
    two = [replace(row, at={**row.at, "pretrain.size": "64"}) for row in rows]
    assert numeric_axis(two) is None


@pytest.mark.parametrize("papers", [[None, None, None], [84.6, None, 83.7]])
def test_pictures_show_means_spreads_and_the_papers_numbers(
    papers: list[float | None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    monkeypatch.setattr(comparison, "save", lambda figure, path: drawn.append(figure) or path)
    means, stds = [70.1, 72.0, 69.0], [0.5, None, 1.0]
    comparison.bars(["a", "b", "a-long-name"], means, stds, tmp_path, papers=papers, y="top-1")
    comparison.points([0.9, 0.3, 0.6], means, stds, tmp_path, papers=papers, x="x", y="top-1")
    bars, line = (figure.axes[0].containers[-1] for figure in drawn)
    heights = [patch.get_height() for patch in drawn[0].axes[0].patches]
    assert heights == means
    assert line.lines[0].get_xydata().tolist() == [[0.3, 72.0], [0.6, 69.0], [0.9, 70.1]]
    errors = bars.errorbar.lines[2][0].get_segments()
    assert [s[1][1] - s[0][1] for s in errors if len(s)] == pytest.approx([1.0, 2.0])
    errors = line.lines[2][0].get_segments()
    assert [s[1][1] - s[0][1] for s in errors if len(s)] == pytest.approx([2.0, 1.0])
    for figure, order in zip(drawn, ([0, 1, 2], [1, 2, 0]), strict=True):
        known = [papers[i] for i in order if papers[i] is not None]
        assert [y for axes in figure.axes[1:] for y in axes.lines[0].get_ydata()] == known


def test_bars_begin_at_zero_unless_that_hid_their_differences() -> None:
    assert comparison._range([10.0, 30.0], [0.0, 0.0])[0] == 0
    low, high = comparison._range([83.2, 84.6], [0.1, 0.1])
    assert 80 < low < 83.1
    assert high > 84.7
    assert comparison._range([0.0], [0.0])[1] > 0


def test_a_tiny_difference_of_one_seed_does_not_look_large() -> None:
    low, high = comparison._range([49.531, 49.540], [None, None])
    assert (49.540 - 49.531) / (high - low) < 0.02


def test_a_table_without_a_number_has_no_picture(tmp_path: Path) -> None:
    paths = write_table(tmp_path, plan(), [ResultRow(cell="a", paper=84.6)])
    assert paths.keys() == {"json", "csv", "md"}


def test_numbers_that_are_no_shares_are_shown_as_they_are() -> None:
    row = ResultRow(cell="a", mean=0.28571, std=0.0123, seeds=2, seconds={"pretrain": 3725.4})
    columns, (line,) = as_text(plan(percent="false"), [row])
    assert columns == ["cell", "pretrain.top1", "seeds", "parameters", "time"]
    assert line == ["a", "0.2857 ± 0.0123", "2 of 2", "-", "1:02:05"]
    (line,) = as_text(plan(), [replace(row, resumed=True, parameters=3390000)])[1]
    assert line[1:] == ["28.6 ± 1.2", "2 of 2", "3,390,000", "> 1:02:05"]


def test_a_number_is_found_by_its_path_and_nothing_else_is_one() -> None:
    result = {"top1": 0.5, "metrics": {"neighbours/top1": 0.4, "a.b": 1}, "ok": True, "n": None}
    assert number_at(result, "top1") == 0.5
    assert number_at(result, "metrics.neighbours/top1") == 0.4
    assert number_at(result, "metrics.a.b") == 1.0
    assert [number_at(result, path) for path in ("ok", "n", "metrics", "metrics.c", "x")] == [
        None
    ] * 5
