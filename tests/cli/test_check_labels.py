"""``fcmae check`` names every label that is wrong, of whichever kind."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fcmae
from fcmae.cli.main import main


def told(
    data: Path, capsys: pytest.CaptureFixture[str], *words: str, code: int = 0
) -> dict[str, Any]:
    assert main(["check", f"{data}", "--loader.workers", "0", "--json", "-", *words]) == code
    said = capsys.readouterr()
    answer: dict[str, Any] = json.loads(said.out)
    assert all(entry["path"] in said.err for entry in answer["unusable"])
    return answer


@pytest.fixture
def scenes(tmp_path: Path) -> Path:
    for part, count in (("train", 12), ("val", 2)):
        for number in range(count):
            for kind, mode in (("images", "RGB"), ("masks", "L")):
                path = tmp_path / kind / part / f"{number:02}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new(mode, (24, 20), 1 if mode == "L" else "grey").save(path)
    (tmp_path / "classes.txt").write_text("sky\nsea\nland")
    return tmp_path


def test_a_sound_data_set_is_counted(scenes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = told(scenes, capsys)
    assert (answer["usable"], answer["unusable"], answer["problems"]) == (14, [], [])
    assert answer["parts"] == {"train": 12, "val": 2}
    assert answer["classes"] == {"sky": 0, "sea": 14, "land": 0}


def test_every_damaged_mask_is_listed_with_its_file(
    scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    masks, images = scenes / "masks" / "train", scenes / "images" / "train"
    Image.new("L", (20, 24), 1).save(masks / "00.png")
    Image.new("L", (24, 20), 9).save(masks / "01.png")
    Image.new("RGB", (24, 20), (1, 2, 3)).save(masks / "02.png")
    Image.new("L", (24, 20), 1).save(masks / "03.png", format="JPEG")
    (masks / "04.png").write_bytes((masks / "04.png").read_bytes()[:50])
    (masks / "05.png").write_bytes(b"")
    (masks / "06.png").write_text("<html>")
    Image.fromarray(np.full((20, 24), 70_000, dtype=np.int32)).save(masks / "07.png", "TIFF")
    (masks / "08.png").unlink()
    (masks / "extra.png").write_bytes(b"")
    (images / "09.png").write_bytes(b"no picture")
    Image.new("RGB", (24, 20)).save(images / "10.bmp")
    answer = told(scenes, capsys, code=6)
    reasons = {entry["path"]: entry["reason"] for entry in answer["unusable"]}
    expected = {
        "images/train/00.png": "its mask 00.png: it has 24 x 20 pixels, but its image (turned by",
        "images/train/01.png": "480 pixels have the number 9, but the classes are 0 to 2",
        "images/train/02.png": "its pixels are colours (RGB)",
        "images/train/03.png": "it is JPEG, which does not keep numbers",
        "images/train/04.png": "its mask 04.png: damaged",
        "images/train/05.png": "its mask 05.png: the file is empty",
        "images/train/06.png": "its mask 06.png: it is an HTML page",
        "images/train/07.png": "480 pixels have the number 70000",
        "images/train/08.png": "there is no mask ",
        "masks/train/extra.png": "a mask without an image",
        "images/train/09.png": "it begins with b'no picture'",
        "images/train/10.png": "10.bmp has the same name",
    }
    assert set(reasons) == set(expected)
    for path, reason in expected.items():
        assert reason in reasons[path], path
    assert answer["usable"] == 14 - 10


def test_masks_that_cannot_be_used_stop_no_run_of_check_but_one_of_training(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (scenes / "masks" / "train" / "03.png").unlink()
    words = ["finetune", "segment", "--data", f"{scenes}", "--out", f"{tmp_path}/out"]
    assert main([*words, "--size", "64", "--optim.batch_size", "4"]) == 6
    said = capsys.readouterr().err
    assert "1 of 12 images in" in said
    assert "have no mask (such as 03.png" in said
    assert said.count("\n") == 1


def test_the_task_can_be_named(scenes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        (scenes / "images" / "train" / name).mkdir()
        (scenes / "images" / "train" / f"0{'ab'.index(name)}.png").rename(
            scenes / "images" / "train" / name / "0.png"
        )
    words = ["check", f"{scenes}/images/train", "--task", "classify", "--loader.workers", "0"]
    assert main(words) == 6
    assert "lie beside the folders in" in capsys.readouterr().err
    assert told(scenes / "images" / "train", capsys)["classes"] is None


def test_objects_are_checked_where_there_are_some(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (24, 20)).save(tmp_path / "a.jpg")
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.5 0.5\n7 0.5 0.5 0.5 0.5\n")
    (tmp_path / "classes.txt").write_text("cat\ndog")
    answer = told(tmp_path, capsys, "--task", "detect", code=6)
    assert answer["usable"] == 1
    [problem] = answer["problems"]
    assert problem["file"].endswith("a.txt")
    assert "2" in problem["where"]


def test_what_is_wrong_changes_the_exit_code_after_everything_is_told(
    scenes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, file = scenes / "images" / "train", tmp_path / "answer.json"
    (photos / "00.png").write_bytes(b"no picture")
    words = ["check", f"{photos}", "--loader.workers", "0", "--json", f"{file}"]
    assert main(words) == 6
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.index("00.png: it begins with") < said.out.index("11 files are usable images.")
    assert json.loads(file.read_text())["usable"] == 11
    assert not fcmae.check(data=photos, loader={"workers": 0}).sound


def test_files_that_nobody_misses_leave_a_data_set_sound(
    scenes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos = scenes / "images" / "train"
    for name in (".DS_Store", "._00.png", "Thumbs.db"):
        (photos / name).write_bytes(b"x")
    assert len(told(photos, capsys)["unusable"]) == 3
    assert fcmae.check(data=photos, loader={"workers": 0}).sound
    (photos / "elsewhere.png").symlink_to("/nowhere.png")
    assert len(told(photos, capsys, code=6)["unusable"]) == 4
