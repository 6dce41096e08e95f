"""The whole way of a user who segments: train, evaluate, predict, on a dozen small scenes."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

import fcmae
from fcmae.checkpoint.weights import save_weights
from fcmae.cli.main import main
from fcmae.model.options import Architecture
from fcmae.model.segmenter import Segmenter

QUICK = ["--run.device", "cpu", "--loader.workers", "0"]
TRAIN = [
    "--size", "64", "--augment.short_side", "60",
    "--optim.batch_size", "4", "--optim.epochs", "1", "--optim.warmup_epochs", "0",
    "--head.width", "16", "--head.auxiliary_width", "16", *QUICK,
]  # fmt: skip
SHARED = Path(__file__).parents[2] / "../shared/data/segment"


def told(words: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main([*words, "--json", "-"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert isinstance(answer, dict)
    return answer


def scene(path: Path, masks: Path, seed: int) -> None:
    """A bright square on dark ground, both noisy, and its mask."""
    draw = np.random.default_rng(seed)
    mask = np.zeros((70, 90), dtype=np.uint8)
    top, left = draw.integers(5, 30, 2)
    mask[top : top + 30, left : left + 35] = 1
    mask[:2] = 255
    picture = (60 + 120 * (mask == 1))[..., None] + draw.normal(0, 12, (70, 90, 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    masks.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture.clip(0, 255).astype(np.uint8)).save(path)
    Image.fromarray(mask).save(masks)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("scenes")
    for part, count in (("train", 8), ("val", 3)):
        for number in range(count):
            name = f"{part}/{number}.png"
            scene(root / "images" / name, root / "masks" / name, 10 * number + count)
    (root / "classes.txt").write_text("ground\nsquare\n")
    return root


@pytest.fixture(scope="module")
def run(
    scenes: Path, places: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    out = tmp_path_factory.mktemp("segmented") / "run"
    words = ["finetune", "segment", "--data", f"{scenes}", "--out", f"{out}", *TRAIN]
    words += ["--weights", f"{places.pretrained}", "--freeze_stages", "1"]
    assert main([*words, "--json", f"{out}.json"]) == 0
    return SimpleNamespace(out=out, words=words, told=json.loads(Path(f"{out}.json").read_text()))


def test_training_leaves_weights_pictures_and_numbers(
    run: SimpleNamespace, places: SimpleNamespace
) -> None:
    result = run.told
    assert (result["train_images"], result["val_images"], result["steps"]) == (8, 3, 2)
    assert 0 <= result["miou"] <= result["best_miou"] <= 1
    assert [row["name"] for row in result["per_class"]] == ["ground", "square"]
    names = {path.name for path in (run.out / "pictures").iterdir()}
    assert names == {"confusion.png", *(f"classes-0001-{i}.png" for i in range(3))}
    assert 0 < result["metrics"]["loss"] < 3
    before, after = (fcmae.load(path).encoder for path in (places.pretrained, run.out))
    assert_close(after.stages[0].state_dict(), before.stages[0].state_dict(), rtol=0, atol=0)
    assert not torch.equal(after.stages[1][0].expand.weight, before.stages[1][0].expand.weight)


def test_evaluation_agrees_with_the_run(
    run: SimpleNamespace, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "segment", "--data", f"{scenes}", "--weights", f"{run.out}", *QUICK]
    answer = told([*words, "--out", f"{tmp_path}/o"], capsys)
    for name in ("miou", "mean_accuracy", "pixel_accuracy", "per_class"):
        assert answer[name] == run.told[name]
    assert sum(map(sum, answer["confusion"])) == 3 * 68 * 90
    assert (tmp_path / "o" / "confusion.png").is_file()
    assert (tmp_path / "o" / "per_class.csv").read_text().startswith("name,pixels,iou,accuracy\n")
    slid = told([*words, "--scan.mode", "slide", "--scan.scales", "0.75,1.25"], capsys)
    assert slid["images"] == 3
    assert slid["confusion"] != answer["confusion"]


def test_the_model_remembers_what_numbers_in_masks_mean(
    run: SimpleNamespace, scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "segment", "--data", f"{scenes}", "--weights", f"{run.out}", *QUICK]
    assert main([*words, "--labels.ignore_index", "7"]) == 6
    assert "have the number 255, but the classes are 0 to 1 and 7 is ignored" in (
        capsys.readouterr().err
    )


def test_prediction_writes_masks_overlays_and_polygons(
    run: SimpleNamespace, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"not a picture")
    source = scenes / "images" / "val"
    words = ["predict", "segment", "--data", f"{source}", f"{broken}", "--weights", f"{run.out}"]
    words += ["--write", "masks", "overlays", "polygons", "--scan.mode", "slide", *QUICK]
    words += ["--scan.short_side", "70"]  # which they have
    answer = told([*words, "--out", f"{tmp_path}/a"], capsys)
    assert (answer["images"], answer["large"]) == (3, 0)
    assert sum(answer["classes"].values()) == pytest.approx(1)
    assert [entry["path"] for entry in answer["unusable"]] == [str(broken)]
    large = told([*words, "--out", f"{tmp_path}/b", "--scan.large", "100"], capsys)
    assert (large["images"], large["large"]) == (3, 3)
    for place in "ab":
        assert len(list((tmp_path / place / "overlays").iterdir())) == 3
    for number in range(3):
        mask, again = (
            np.asarray(Image.open(tmp_path / place / "masks" / f"{number}.png")) for place in "ab"
        )
        assert mask.shape == (70, 90)
        assert (mask == again).mean() > 0.999
        written = json.loads((tmp_path / "a" / "polygons" / f"{number}.geojson").read_text())
        pixels = {0: 0, 1: 0}
        for feature in written["features"]:
            pixels[feature["properties"]["index"]] += feature["properties"]["pixels"]
            assert all(ring[0] == ring[-1] for ring in feature["geometry"]["coordinates"])
        assert list(pixels.values()) == np.bincount(mask.ravel(), minlength=2).tolist()


@pytest.mark.full
@pytest.mark.parametrize("large", ["100", "1000000"])
def test_a_prediction_of_no_image_lists_the_files_and_ends_with_code_6(
    large: str,
    run: SimpleNamespace,
    scenes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    content = (scenes / "images" / "val" / "1.png").read_bytes()
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(content[:2000])
    words = ["predict", "segment", "--data", f"{tmp_path}", "--weights", f"{run.out}", *QUICK]
    how = ["--out", f"{tmp_path}-out", "--scan.large", large]
    assert main([*words, *how]) == 6
    said = capsys.readouterr().out
    assert "2 files could not be used:\n" in said
    assert f"{tmp_path}/b.png: " in said
    assert "Segmented 0 images." in said


def test_small_images_that_cannot_be_used_do_not_keep_large_ones_from_being_segmented(
    run: SimpleNamespace, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tmp_path / "small.png"
    Image.new("RGB", (8, 8)).save(small)
    small.write_bytes(small.read_bytes()[:45])
    source = scenes / "images" / "val" / "1.png"
    words = ["predict", "segment", "--data", f"{small}", f"{source}", "--weights", f"{run.out}"]
    answer = told([*words, "--scan.large", "100", "--out", f"{tmp_path}/out", *QUICK], capsys)
    assert (answer["images"], answer["large"], len(answer["unusable"])) == (1, 1, 1)


@pytest.mark.parametrize(
    ("short_side", "shown"), [(60, "to a short side of 60 pixels"), (None, "no")]
)
def test_info_tells_the_short_side_that_images_are_resized_to(
    short_side: int | None, shown: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Segmenter(Architecture(depths=(1, 1, 1, 1), dims=(4, 4, 8, 8)), num_classes=2)
    save_weights(tmp_path / "segmenter.safetensors", model, {"short_side": short_side})
    words = ["info", "--weights", f"{tmp_path}/segmenter.safetensors"]
    assert main(words) == 0
    assert f"  resized   {shown}\n" in capsys.readouterr().out
    assert told(words, capsys)["short_side"] == short_side


def test_predictions_replace_those_of_an_earlier_call(
    run: SimpleNamespace, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "segment", "--weights", f"{run.out}", "--out", f"{tmp_path}", *QUICK]
    told([*words, "--data", f"{scenes}/images/val"], capsys)
    told([*words, "--data", f"{scenes}/images/val/1.png", "--write", "masks"], capsys)
    left = {f"{path.relative_to(tmp_path)}" for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {".lock", ".written-0.jsonl", "masks/1.png"}


def test_predictions_of_an_earlier_call_stay_where_no_image_can_be_used(
    run: SimpleNamespace, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "segment", "--weights", f"{run.out}", "--out", f"{tmp_path}/out", *QUICK]
    told([*words, "--data", f"{scenes}/images/val"], capsys)
    cut = tmp_path / "cut.png"
    cut.write_bytes((scenes / "images" / "val" / "1.png").read_bytes()[:2000])
    assert main([*words, "--data", f"{cut}"]) == 6
    assert "pixels" not in capsys.readouterr().out.splitlines()[0]  # no table of nothing
    assert len(list((tmp_path / "out" / "masks").iterdir())) == 3
    cut.write_bytes(b"not a picture")
    words[5] = f"{tmp_path}/new"
    assert main([*words, "--data", f"{cut}"]) == 6
    assert not (tmp_path / "new").exists()


def test_predictions_do_not_go_among_the_files_of_a_run(
    run: SimpleNamespace, scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "segment", "--data", f"{scenes}/images/val", "--weights", f"{run.out}"]
    assert main([*words, "--out", f"{run.out}", *QUICK]) == 4
    assert f"{run.out} holds a run: give another --out, such as" in capsys.readouterr().err


def test_large_images_are_looked_at_with_the_short_side_of_the_training(
    run: SimpleNamespace, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "segment", "--data", f"{scenes}/images/val", "--weights", f"{run.out}"]
    for place, how in (("small", ()), ("large", ("--scan.large", "6000"))):
        told([*words, "--out", f"{tmp_path}/{place}", *how, *QUICK], capsys)
    for number in range(3):
        mask, again = (
            np.asarray(Image.open(tmp_path / place / "masks" / f"{number}.png"))
            for place in ("small", "large")
        )
        assert (mask == again).all()


def test_large_images_that_cannot_be_used_are_not_counted(
    run: SimpleNamespace, scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", "segment", "--weights", f"{run.out}", "--data"]
    how = ["--out", f"{tmp_path}/out", "--scan.large", "100", *QUICK]
    cut = tmp_path / "cut.png"
    cut.write_bytes((scenes / "images" / "val" / "1.png").read_bytes()[:2000])
    assert main([*words, f"{scenes}/images/val", f"{cut}", *how]) == 0
    assert "Segmented 3 images, 3 of them large." in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_eight_images_are_learnt_by_heart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not SHARED.is_dir():
        pytest.skip(f"needs the photographs of {SHARED}")
    for kind in ("images", "masks"):
        (tmp_path / kind).mkdir()
        for path in sorted((SHARED / "pets" / kind / "train").iterdir())[::56][:8]:
            shutil.copy(path, tmp_path / kind / path.name)
    shutil.copy(SHARED / "pets" / "classes.txt", tmp_path)
    words = [
        "finetune", "segment", "--data", f"{tmp_path}", "--val", f"{tmp_path}",
        "--out", f"{tmp_path}/run", "--config", "segment/small", "--size", "160",
        "--optim.batch_size", "8", "--optim.epochs", "300", "--optim.base_lr", "0.032",
        "--optim.warmup_epochs", "10", "--optim.clip_grad", "1",
        "--optim.ema", "null", "--augment.scale", "1,1",
        "--augment.flip", "false", "--augment.colour", "false",
        "--encoder.drop_path", "0", "--head.dropout", "0",
        "--every", "100", "--run.checkpoint_every", "300", *QUICK,
    ]  # fmt: skip
    # 300 steps, some five minutes of a core.
    assert told(words, capsys)["miou"] > 0.95
