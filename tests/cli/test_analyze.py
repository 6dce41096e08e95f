"""``fcmae analyze`` on a dozen small pictures: what it writes, and what it leaves out and why."""

import csv
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread
from PIL import Image

import fcmae
from fcmae.analysis import projection
from fcmae.analysis.findings.subject import spread
from fcmae.analysis.findings.table import ANALYSES
from fcmae.analysis.options import What
from fcmae.checkpoint.weights import save_weights
from fcmae.cli.main import main
from fcmae.data.listing import find_images
from fcmae.errors import DataError
from fcmae.model.autoencoder import Autoencoder
from fcmae.model.options import Architecture

QUICK = {"run": {"device": "cpu", "batch_size": 5}, "loader": {"workers": 0}}
KEYS = {"name", "title", "picture", "alt", "numbers", "summary"}
MAPS = [f"activation_maps-stage-{s}-block-{b}" for s, b in ((1, 2), (2, 2), (3, 6), (4, 2))]
OF_ANY = ["feature_distance", "inactive_channels", "effective_rank", "cka", *MAPS]
OF_ANY += ["nearest_neighbours", "pca", "tsne"]


@pytest.fixture(autouse=True)
def _no_umap(monkeypatch: pytest.MonkeyPatch) -> None:
    """umap-learn takes longer to import than everything else here to run."""
    there = projection.missing
    monkeypatch.setattr(
        projection, "missing", lambda name: "not here" if name == "umap" else there(name)
    )


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def check_contract(out: Path, found: list[dict[str, Any]]) -> None:
    """``analysis.json`` lists what was found, and every file that it names is there and sound."""
    assert json.loads((out / "analysis.json").read_text(encoding="utf-8")) == found
    for entry in found:
        assert set(entry) == KEYS
        assert len(entry["alt"]) > 40
        assert table(out / entry["numbers"])
        assert entry["summary"]
        assert all(isinstance(x, float | int | str | None) for x in entry["summary"].values())
        assert entry["picture"] is None or imread(out / entry["picture"])[..., :3].std() > 0
    names = {name for entry in found for name in (entry["picture"], entry["numbers"]) if name}
    assert names | {"analysis.json"} == {p.name for p in out.glob("[!.]*")}


def test_every_analysis_that_can_be_asked_for_can_be_done() -> None:
    assert tuple(ANALYSES) == What.__args__


@pytest.mark.full
def test_a_classifier_is_looked_into_from_all_sides(
    places: SimpleNamespace, tmp_path: Path
) -> None:
    result = fcmae.analyze(
        weights=places.classifier,
        data=places.labelled,
        compare="v1-atto",
        out=tmp_path,
        k=2,
        **QUICK,
    )
    names = [entry["name"] for entry in result.found]
    assert sorted(names) == sorted([*OF_ANY, "class_selectivity", "grad_cam", "mistakes"])
    assert result.skipped == {"umap": "not here"}
    assert result.images == 4
    check_contract(tmp_path, result.found)
    models = {row["model"] for row in table(tmp_path / "feature_distance.csv")}
    assert models == {"classifier.safetensors", "v1-atto (random)"}
    assert len(table(tmp_path / "cka.csv")) == 12 * 12
    found = {entry["name"]: entry["summary"] for entry in result.found}
    answer = fcmae.evaluate("classify", data=places.labelled, weights=places.classifier, **QUICK)
    assert found["mistakes"]["accuracy"] == pytest.approx(answer.top1)
    assert found["class_selectivity"]["classes"] == 2


@pytest.mark.full
def test_without_classes_what_needs_them_is_left_out_with_the_reason(
    places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [
        "analyze",
        f"{places.pretrained}",
        "--data",
        f"{places.flat}",
        "--out",
        f"{tmp_path}/o",
    ]
    assert main([*words, "--run.device", "cpu", "--loader.workers", "0"]) == 0
    said = capsys.readouterr().out
    found = json.loads((tmp_path / "o" / "analysis.json").read_text())
    assert [entry["name"] for entry in found] == OF_ANY
    assert "Left out class_selectivity: the images have no classes" in said
    assert "Left out umap: not here" in said
    assert "Left out grad_cam: pretrained.safetensors is not a classifier." in said
    assert "Left out mistakes: pretrained.safetensors is not a classifier." in said
    assert "Looked at 4 images." in said
    check_contract(tmp_path / "o", found)


@pytest.mark.full
def test_numbers_do_not_depend_on_batches_and_can_be_repeated(
    places: SimpleNamespace, tmp_path: Path
) -> None:
    asked = {"weights": "v1-atto", "data": places.labelled / "train", "size": 32}
    what = {
        "feature_distance": "distance",
        "class_selectivity": "selectivity",
        "effective_rank": "effective_rank",
        "cka": "cka",
    }
    for name, batch, some in (("a", 3, list(what)), ("b", 8, list(what)), ("c", 8, ["cka"])):
        run = {"device": "cpu", "batch_size": batch}
        fcmae.analyze(**asked, what=some, out=tmp_path / name, run=run, loader={"workers": 0})
    for stem, column in what.items():
        one, other = (
            [float(row[column]) for row in table(tmp_path / x / f"{stem}.csv")] for x in "ab"
        )
        assert one == pytest.approx(other, abs=2e-4, nan_ok=True)
    for ending in ("csv", "png"):
        files = [(tmp_path / x / f"cka.{ending}").read_bytes() for x in "bc"]
        assert files[0] == files[1]


def test_images_of_two_channels_and_a_run_folder(tmp_path: Path) -> None:
    arch = Architecture(depths=(1, 1, 1, 1), dims=(4, 6, 8, 10), channels=2, stem=2)
    save_weights(tmp_path / "run" / "weights.safetensors", Autoencoder(arch), {"size": [32, 48]})
    (tmp_path / "data").mkdir()
    draw = np.random.default_rng(0)
    for i in range(5):
        picture = draw.integers(0, 255, (40, 60, 2), dtype=np.uint8)
        Image.fromarray(picture, "LA").save(tmp_path / "data" / f"{i}.png")
    maps = {"blocks": [2], "channels": [3, 0], "image": tmp_path / "data" / "2.png"}
    what = ["activation_maps", "nearest_neighbours"]
    result = fcmae.analyze(
        weights=tmp_path / "run", data=tmp_path / "data", maps=maps, what=what, **QUICK
    )
    assert result.out == tmp_path / "run" / "analysis"
    check_contract(result.out, result.found)
    rows = table(result.out / "activation_maps-stage-2-block-1.csv")
    assert [row["channel"] for row in rows] == ["3", "0"]
    assert result.found[0]["summary"]["image"] == "2.png"


@pytest.mark.full
def test_what_a_second_analysis_does_not_find_is_not_left_from_the_first(
    places: SimpleNamespace, tmp_path: Path
) -> None:
    asked = {"weights": places.pretrained, "data": places.labelled, "out": tmp_path / "out"}
    fcmae.analyze(**asked, what=["pca", "effective_rank"], **QUICK)
    (tmp_path / "out" / "notes.txt").write_text("mine")
    result = fcmae.analyze(**asked, what=["effective_rank"], **QUICK)
    (tmp_path / "out" / "notes.txt").unlink()
    check_contract(tmp_path / "out", result.found)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"maps": {"image": Path(__file__).parent}}, "but must be the file of one image"),
        ({"what": ["grad_cam"]}, "what is grad_cam, but pretrained.safetensors is not a classif"),
        ({"maps": {"blocks": [13]}}, r"maps.blocks is \[13\], but the net has 12 blocks"),
        ({"maps": {"channels": [160]}}, "but stage 1, block 2 has 160, from 0"),
        (
            {"what": ["class_selectivity"], "data": "dune"},
            "of one class, but it compares at least 2",
        ),
    ],
)
def test_nothing_done_is_an_error_that_says_why(
    options: dict[str, Any], message: str, places: SimpleNamespace, tmp_path: Path
) -> None:
    shutil.copytree(places.labelled / "train" / "dune", tmp_path / "one" / "dune")
    asked = {"what": ["activation_maps"], "data": places.labelled, **options}
    if asked["data"] == "dune":
        asked["data"] = tmp_path / "one"
    with pytest.raises(DataError, match=message):
        fcmae.analyze(weights=places.pretrained, out=tmp_path / "out", **asked, **QUICK)


def test_wrong_options_of_one_analysis_are_told_when_the_others_are_written(
    places: SimpleNamespace, tmp_path: Path
) -> None:
    asked = {"weights": places.pretrained, "data": places.labelled, "out": tmp_path}
    what = ["activation_maps", "effective_rank"]
    with pytest.raises(DataError, match=r"blocks is \[13\], but .* The other analyses are in"):
        fcmae.analyze(**asked, what=what, maps={"blocks": [13]}, **QUICK)
    written = json.loads((tmp_path / "analysis.json").read_text())
    assert [entry["name"] for entry in written] == ["effective_rank"]


def test_classes_give_images_in_turn(places: SimpleNamespace) -> None:
    images = find_images(places.labelled / "train", labels=True)
    for number in (2, 4, 6):
        chosen = spread(images, number, seed=5)
        assert chosen.labels is not None
        assert np.bincount(chosen.labels).tolist() == [number // 2] * 2
    assert len(spread(images, 100, seed=5)) == len(images)
