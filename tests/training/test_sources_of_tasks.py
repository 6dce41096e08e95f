"""Every task trains on images from Python, and its model is evaluated on them and predicts."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fcmae
from data.items.things import Pairs, noise
from fcmae.errors import DataError
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)

IMAGES = noise(6, side=40)
TEST = IMAGES[:2]
HERE: dict[str, Any] = {"loader": {"workers": 0}, "run": {"device": "cpu"}}
QUICK: dict[str, Any] = {
    "optim": {"batch_size": 2, "epochs": 1, "warmup_epochs": 0},
    "run": {"device": "cpu", "kernels": "reference"},
    "loader": {"workers": 0},
    "size": 32,
}
MAPS = np.random.default_rng(0).integers(0, 2, (6, 40, 50))
BOXES = [np.array([[2.0, 3.0, 22.0, 35.0]])] * 6
TARGETS = [{"boxes": boxes, "labels": np.array([3])} for boxes in BOXES]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


def rows(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


def test_classes(folder: Path) -> None:
    data = fcmae.ImageData(IMAGES, labels=["cat", "dog"] * 3)
    trained = fcmae.finetune(data=data, val=(TEST, ["dog", "cat"]), out=folder / "c", **QUICK)
    assert (trained.train_images, trained.val_images) == (6, 2)
    judged = fcmae.evaluate("classify", data=(TEST, ["cat", "dog"]), weights=folder / "c", **HERE)
    assert [row["name"] for row in judged.per_class] == ["cat", "dog"]
    fcmae.predict(data=list(TEST), weights=folder / "c", out=folder / "c.csv", **HERE)
    assert [row["path"] for row in rows(folder / "c.csv")] == ["item 0", "item 1"]
    for way in ("neighbours", "linear"):
        found = fcmae.evaluate(
            way, data=(IMAGES, [0, 0, 0, 1, 1, 1]), val=(TEST, [0, 0]), weights=folder / "c", **HERE
        )
        assert (found.train_images, found.images) == (6, 2)


def test_features_and_analyses(folder: Path) -> None:
    data = fcmae.ImageData(IMAGES, labels=["cat", "dog"] * 3)
    fcmae.finetune(data=data, val=data, out=folder / "f", **QUICK)
    names = fcmae.ImageData(TEST, names=["a", "b"])
    fcmae.embed(data=names, weights=folder / "f", out=folder / "f.npz", **HERE)
    table = np.load(folder / "f.npz")
    assert table["path"].tolist() == ["a", "b"]
    assert table["features"].shape == (2, 320)
    what = ["feature_distance", "class_selectivity"]
    found = fcmae.analyze(data=data, weights=folder / "f", out=folder / "a", what=what, **HERE)
    assert found.images == 6
    assert set(found.summary) == set(what)


def test_label_maps(folder: Path) -> None:
    data = fcmae.ImageData(Pairs(IMAGES, MAPS), classes=["road", "tree"])
    head = {"width": 32, "auxiliary_width": 32}
    trained = fcmae.finetune.segment(data=data, out=folder / "s", head=head, **QUICK)
    assert (trained.train_images, trained.val_images) == (5, 1)
    judged = fcmae.evaluate.segment(data=Pairs(IMAGES, MAPS), weights=folder / "s", **HERE)
    assert judged.images == 6
    large = {"scan": {"large": 100}, **HERE}
    for out, changes in (("whole", HERE), ("windows", large)):
        found = fcmae.predict.segment(data=TEST, weights=folder / "s", out=folder / out, **changes)
        assert (found.images, found.large) == (2, 2 if out == "windows" else 0)
        assert (folder / out / "masks" / "item 1.png").is_file()
        assert (folder / out / "overlays" / "item 0.png").is_file()


def test_objects(folder: Path) -> None:
    pytest.importorskip("faster_coco_eval")
    data = Pairs(IMAGES, TARGETS)
    options = {**QUICK, "size": 64, "head": {"width": 32, "proposals": 16}}
    trained = fcmae.finetune.detect(data=data, out=folder / "d", **options)
    assert trained.per_class[0]["name"] == "3"
    assert (folder / "d" / "pictures" / "detections-0.png").is_file()
    judged = fcmae.evaluate.detect(data=data, weights=folder / "d", **HERE)
    assert judged.images == 6
    for tiles in ({}, {"tiles": {"size": 64}}):
        found = fcmae.predict.detect(
            data=TEST, weights=folder / "d", out=folder / "found", score=0.0, **tiles, **HERE
        )
        assert found.images == 2
        said = json.loads((folder / "found" / "detections.json").read_text())
        assert [image["file_name"] for image in said["images"]] == ["item 0", "item 1"]
        assert said["categories"] == [{"id": 3, "name": "3"}]
    wrong = fcmae.ImageData(IMAGES, boxes=[np.array([[9.0, 9, 9, 9]])] * 6, labels=[[0]] * 6)
    with pytest.raises(DataError, match=r"6 labels are wrong, such as the data set, item 0: o"):
        fcmae.finetune.detect(data=wrong, out=folder / "wrong", **QUICK)


def test_values(folder: Path) -> None:
    data = Pairs(IMAGES, [{"area": 0.5 * i, "age": 2.0 * i} for i in range(6)])
    trained = fcmae.finetune.values(data=data, out=folder / "v", **QUICK)
    assert trained.kind == "numbers"
    assert [row["name"] for row in trained.per_value] == ["area", "age"]
    columns = fcmae.ImageData(TEST, values={"age": [1.0, 2], "area": [3.0, 4]})
    judged = fcmae.evaluate.values(data=columns, weights=folder / "v", **HERE)
    assert judged.images == 2
    fcmae.predict.values(data=TEST, weights=folder / "v", out=folder / "v.csv", **HERE)
    assert list(rows(folder / "v.csv")[0]) == ["path", "area", "age"]


def test_reconstructions(folder: Path) -> None:
    fcmae.pretrain(data=IMAGES, out=folder / "p", **{**QUICK, "size": 64})
    drawn = fcmae.reconstruct(data=TEST, weights=folder / "p", out=folder / "drawn", **HERE)
    assert drawn.images == 2
