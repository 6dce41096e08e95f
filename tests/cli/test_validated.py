"""What is said of a training counts the images that were looked at, not those that were there."""

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from fcmae.cli.main import main
from fcmae.data.listing import find_images
from fcmae.evaluation.viewing import sample
from fcmae.tasks.evaluations.pixels import PICTURES

SHORT = [
    "--size", "32", "--optim.warmup_epochs", "0", "--optim.batch_size", "4", "--optim.epochs", "1",
    "--run.device", "cpu", "--loader.workers", "0",
]  # fmt: skip


def cut(path: Path) -> None:
    """Damage an image without making it look like something else."""
    path.write_bytes(path.read_bytes()[:1000])


def said(words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    assert main([*words, "--out", f"{tmp_path}/run", *SHORT]) == 0
    return capsys.readouterr().out


@pytest.mark.full
def test_a_classifier_says_on_how_many_images_it_was_validated(
    places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shutil.copytree(places.labelled, tmp_path / "data")
    cut(data / "val" / "dune" / "8.png")
    words = ["finetune", "classify", "--data", f"{data}", "--weights", f"{places.pretrained}"]
    assert " on 3 images after 2 steps on 8 images (best epoch" in said(words, tmp_path, capsys)


@pytest.mark.full
def test_an_estimator_says_on_how_many_images_it_was_validated(
    places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = shutil.copytree(places.labelled, tmp_path / "data")
    for part in ("train", "val"):
        files = sorted((data / part).rglob("*.png"))
        lines = [f"{path},{i % 2}" for i, path in enumerate(files)]
        (tmp_path / f"{part}.csv").write_text("\n".join(["path,odd", *lines]))
    cut(files[1])
    words = ["finetune", "values", "--data", f"{tmp_path}/train.csv", "--val"]
    words += [f"{tmp_path}/val.csv", "--weights", f"{places.pretrained}"]
    assert " on 3 images after 2 steps on 8 images." in said(words, tmp_path, capsys)


@pytest.mark.full
def test_a_segmenter_says_on_how_many_images_it_was_validated(
    places: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "classes.txt").write_text("ground\nsky\n")
    for part, folders in (("train", ["train/dune"]), ("val", ["train/forest", "val/dune"])):
        for path in (path for name in folders for path in (places.labelled / name).iterdir()):
            image = tmp_path / "images" / part / path.name
            mask = tmp_path / "masks" / part / path.name
            for file in (image, mask):
                file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, image)
            Image.fromarray((np.arange(72 * 80).reshape(72, 80) % 2).astype(np.uint8)).save(mask)
    validation = find_images(tmp_path / "images" / "val")
    drawn = sample(validation, PICTURES, seed=0)
    for index in range(len(drawn)):  # none of which can be drawn
        cut(drawn.path(index))
    words = ["finetune", "segment", "--data", f"{tmp_path}", "--weights", f"{places.pretrained}"]
    words += ["--head.width", "16", "--head.auxiliary_width", "16"]
    assert " on 2 images after 1 step on 4 images (best epoch" in said(words, tmp_path, capsys)
