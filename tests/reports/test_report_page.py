"""What the page says is what the records say, and nothing in it can be more than text."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from run_folders import HOSTILE, entry, losses, picture, write_analysis, write_classes, write_run

import fcmae
from fcmae.errors import StorageError
from fcmae.reports import curves, pictures
from fcmae.reports.curves import Point, thinned
from fcmae.reports.page import page
from fcmae.reports.pictures import embedded, series_of
from fcmae.reports.read import read_runs
from fcmae.reports.run import RunRecord


class Read(HTMLParser):
    """The parts of a page by their tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "script":
            self.scripts.append(data)
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def figures(self) -> dict[str, Any]:
        return dict(json.loads(self.scripts[0]))


def read(*roots: Path) -> Read:
    return Read(page(read_runs(roots)))


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Read:
    root = tmp_path_factory.mktemp("two")
    first = write_run(root / "slow", options={"mask": {"ratio": 0.6}})
    second = write_run(root / "fast", seed=1, finished=False, options={"mask": {"ratio": 0.75}})
    write_classes(first)
    write_analysis(first, [entry()])
    return read(first, second)


def test_curves_are_the_records_to_the_last_digit(two: Read) -> None:
    traces = two.figures["chart-loss"]["data"]
    assert [trace["y"] for trace in traces] == [losses(0, 40), losses(1, 40)]
    assert traces[0]["customdata"] == list(range(1, 41))
    assert traces[0]["x"] == [step / 5 for step in range(1, 41)]
    assert two.figures["chart-neighbours-top1"]["data"][0]["y"] == [
        n / 100 for n in range(5, 41, 5)
    ]


def test_tables_hold_the_exact_numbers(two: Read) -> None:
    exact = {attrs["value"] for attrs in two.all("data")}
    assert {json.dumps(losses(seed, 40)[-1]) for seed in (0, 1)} <= exact
    assert {"0.25", "12"} <= exact


def test_every_picture_and_chart_is_described(two: Read) -> None:
    images = two.all("img")
    assert len(images) == 2 * 4 + 1
    for attrs in images:
        assert len(attrs["alt"] or "") > 20
        assert (attrs["src"] or "").startswith("data:image/")
    plots = [attrs for attrs in two.all("div") if attrs.get("class") == "plot"]
    assert {attrs["id"] for attrs in plots} == set(two.figures)
    assert all("slow: from" in (p["aria-label"] or "") for p in plots if "loss" in p["id"])
    inputs = [attrs for attrs in two.all("input") if attrs["type"] == "range"]
    assert [attrs["aria-label"] for attrs in inputs] == [
        "Epoch of Reconstructions, slow",
        "Epoch of Reconstructions, fast",
    ]


def test_headings_go_down_one_level_at_a_time(two: Read) -> None:
    levels = [int(tag[1]) for tag, _ in two.tags if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_only_what_differs_is_compared(two: Read) -> None:
    rows = two.text[two.text.index("Options that differ") : two.text.index("Where the runs stand")]
    assert "mask.ratio" in rows
    assert "optim.base_lr" in rows
    assert "optim.batch_size" not in rows
    assert "Made" in two.text
    assert "unfinished" in two.text


def test_feature_distance_has_a_line_per_epoch_and_one_chart_for_all(two: Read) -> None:
    between, own = two.figures["distance-between"], two.figures["distance-0"]
    assert len(between["data"]) == 2
    assert [trace["name"] for trace in own["data"]] == [f"epoch {epoch}" for epoch in range(1, 9)]
    assert own["data"][-1]["y"] == [0.5 - i / 100 for i in range(12)]


def test_nothing_is_fetched_and_no_other_script_may_run(two: Read) -> None:
    addresses = [a.get("src") or a.get("href") for t, a in two.tags if t in ("link", "img", "a")]
    assert all((x or "").startswith(("data:", "#")) for x in addresses)
    policy = next(a["content"] or "" for a in two.all("meta") if a.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert len(re.findall("'sha256-", policy)) == 2
    assert "script-src 'unsafe-inline'" not in policy


def test_text_of_users_stays_text(tmp_path: Path) -> None:
    root = write_run(
        tmp_path / "<img src=x onerror=alert(1)>",
        options={"data": HOSTILE, "<i>": HOSTILE},
        evaluated=f"val/{HOSTILE}",
    )
    write_classes(root)
    write_analysis(root, [entry(title=HOSTILE, alt=f'">{HOSTILE}', summary={HOSTILE: HOSTILE})])
    (root / "environment.json").write_text(json.dumps([{"device": HOSTILE}]))
    got = read(root, write_run(tmp_path / "b"))
    assert len(got.all("script")) == 3
    assert all("onerror" not in attrs for _, attrs in got.tags)
    assert all("data-colour" in attrs for attrs in got.all("i"))
    assert HOSTILE in got.text
    assert got.figures["chart-loss"]["data"][0]["name"] == "&lt;img src=x onerror=alert(1)&gt;"


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    root = write_run(tmp_path / "a")
    (root / "pictures" / "confusion.png").write_bytes(b"\x89PNG")
    outside = tmp_path / "secret.png"
    picture(1).save(outside)
    entries = [entry(picture="none.png"), entry(picture="../../secret.png"), entry(numbers="x.csv")]
    entries.append(entry(picture="n" * 5000))
    write_analysis(root, entries)
    said = read(root).text
    for sentence in (
        "confusion.png is no picture that can be read.",
        "analysis: there is no none.png.",
        "analysis: there is no ../../secret.png.",
        f"analysis: there is no {'n' * 100}.",
        "the numbers of Class selectivity cannot be read: there is no x.csv.",
    ):
        assert sentence in said
    (root / "analysis" / "analysis.json").write_text("[1]")
    assert "analysis.json holds something else than a list" in read(root).text


def test_a_run_that_has_not_begun_is_a_page_too(tmp_path: Path) -> None:
    (tmp_path / "options.json").write_text("{}")
    got = read(tmp_path)
    assert got.figures == {}
    assert "there are no curves" in got.text


def test_analyses_stand_with_numbers_and_rows(two: Read) -> None:
    for text in ("Class selectivity", "most selective", "block 2", "selectivity.csv", "0.375"):
        assert text in two.text


def test_losses_of_other_tasks_have_a_chart_of_their_own(tmp_path: Path) -> None:
    records = read_runs([write_run(tmp_path / name) for name in ("a", "b", "c")])
    tasks = ("pretrain", "finetune classify", "pretrain")
    told = [replace(record, task=task) for record, task in zip(records, tasks, strict=True)]
    figures = Read(page(told)).figures
    runs = {key: [t["meta"]["run"] for t in figures[key]["data"]] for key in figures}
    assert runs["chart-loss-pretrain"] == [0, 2]
    assert runs["chart-loss-finetune-classify"] == [1]
    assert runs["chart-lr"] == [0, 1, 2]


def test_long_curves_keep_their_spikes() -> None:
    points = [Point(step=i, epoch=i / 10, value=None if i == 777 else 1.0) for i in range(20_000)]
    points[11_234] = Point(step=11_234, epoch=1123.4, value=99.0)
    points[8_000] = Point(step=8_000, epoch=800.0, value=-5.0)
    kept = thinned(points)
    assert len(kept) <= curves.MAX_POINTS
    assert (kept[0], kept[-1]) == (points[0], points[-1])
    assert {points[11_234], points[8_000]} <= set(kept)
    assert thinned(points[:100]) == points[:100]


def test_large_pictures_are_made_smaller(tmp_path: Path) -> None:
    picture(0, side=1800).save(tmp_path / "large.png")
    Image.new("RGBA", (40, 20)).save(tmp_path / "clear.webp")
    large = embedded(tmp_path / "large.png", "x")
    assert large.source.startswith("data:image/jpeg")
    assert (large.width, large.height) == (pictures.MAX_SIDE, pictures.MAX_SIDE)
    assert embedded(tmp_path / "clear.webp", "x").source.startswith("data:image/jpeg")


def test_a_slider_offers_so_many_epochs_and_the_last(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for epoch in range(1, 31):
        picture(epoch, side=4).save(folder / f"reconstructions-{epoch:04}.png")
        picture(epoch, side=4).save(folder / f"classes-{epoch:04}-7.png")
    (classes, shown), notes = series_of(RunRecord(root=tmp_path, name="a"))
    assert (shown.title, classes.title, notes) == ("Reconstructions", "Classes 7", [])
    epochs = [picture.epoch for picture in shown.pictures]
    assert (epochs[0], epochs[-1], len(epochs)) == (1, 30, pictures.MAX_EPOCHS)
    assert shown.left_out == 30 - pictures.MAX_EPOCHS


def test_a_page_replaces_an_earlier_one_and_no_file_of_others(tmp_path: Path) -> None:
    run, file = write_run(tmp_path / "run"), tmp_path / "page.html"
    file.write_text("<!DOCTYPE html><p>mine")
    with pytest.raises(StorageError, match=r"page\.html is there already and was not written"):
        fcmae.report(runs=[run], out=file)
    assert file.read_text() == "<!DOCTYPE html><p>mine"
    file.unlink()
    for _ in range(2):
        fcmae.report(runs=[run], out=file)
