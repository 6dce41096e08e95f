"""Packing a data set and using the pack in its place; timing how fast images are read."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import skimage.data
from PIL import Image

import fcmae
from fcmae.cli.main import main

QUICK = ["--loader.workers", "0"]


def told(words: list[str], capsys: pytest.CaptureFixture[str], *, code: int = 0) -> dict[str, Any]:
    assert main([*words, "--json", "-"]) == code
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


def test_a_pack_stands_for_its_folder_in_other_commands(
    places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports = []
    for part in ("train", "val"):
        data, out = places.labelled / part, tmp_path / f"{part}.zip"
        made = told(["pack", "--data", f"{data}", "--out", f"{out}", *QUICK], capsys)
        assert (made["classes"], made["unusable"], made["shrunk"]) == (2, [], 0)
        assert made["bytes"] == out.stat().st_size
        assert [path.name for path in tmp_path.glob(".staging*")] == []
        reports += [told(["check", f"{source}", *QUICK], capsys) for source in (data, out)]
    for report in reports:
        report.pop("fingerprint")
    assert reports[0] == reports[1]
    assert reports[2] == reports[3]
    weights = ["--weights", f"{places.pretrained}", *QUICK]
    found = [
        told(["evaluate", "neighbours", "--data", f"{train}", "--val", f"{val}", *weights], capsys)
        for train, val in (
            (places.labelled / "train", places.labelled / "val"),
            (tmp_path / "train.zip", tmp_path / "val.zip"),
        )
    ]
    assert found[0]["top1"] == found[1]["top1"]


def test_images_are_shrunk_and_the_unusable_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(skimage.data.chelsea()).save(photos / "cat.jpg")
    (photos / "page.jpg").write_bytes(b"<html>")
    out = tmp_path / "photos.zip"
    words = ["pack", "--data", f"{photos}", "--out", f"{out}", "--size", "100", *QUICK]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "1 images, 1 of them shrunk, are in" in said
    assert "page.jpg: it is an HTML page" in said
    report = told(["check", f"{out}", *QUICK], capsys, code=6)
    assert (report["heights"], report["widths"]) == ([100] * 3, [150] * 3)
    assert report["unusable"][0]["path"] == "page.jpg"


def test_nothing_is_left_behind_where_nothing_can_be_packed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "page.jpg").write_bytes(b"<html>")
    words = ["pack", "--data", f"{tmp_path}/photos", "--out", f"{tmp_path}/x.zip", *QUICK]
    assert main(words) == 6
    assert "none of the images can be used (page.jpg: it is an HTML" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


def test_a_damaged_pack_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "photos.zip"
    path.write_bytes(b"PK\3\4" + bytes(39) + b"fcmae pack 2" + bytes(100))
    assert main(["check", f"{path}"]) == 6
    said = capsys.readouterr().err
    assert said.startswith("fcmae: ")
    assert "photos.zip is damaged" in said
    assert said.count("\n") == 1


def test_the_benchmark_of_input_writes_a_table_that_names_its_machine(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.fromarray(skimage.data.astronaut()).save(photos / "astronaut.jpg")
    pack, table = tmp_path / "photos.zip", tmp_path / "input.csv"
    fcmae.pack(data=photos, out=pack, loader={"workers": 0})
    result = fcmae.bench(
        "input",
        data=photos,
        packed=pack,
        size=[64],
        repeats=[1, 2],
        batch_size=1,
        batches=2,
        table=table,
    )
    assert [row.repeats for row in result.rows] == [1, 2]
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["way"] for row in rows[:4]] == ["torchvision", "exact", "fitting", "packed"]
    assert len(rows) == 8
    for row in rows:
        assert row["device"]
        assert row["commit"]
        assert row["torch"] == result.versions["torch"]
        assert float(row["per_s"]) > 0
