"""``fcmae check`` knows by itself what a data set is labelled for, or asks."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import fcmae
from fcmae.cli.main import main
from fcmae.errors import DataError

BOX = "0 0.5 0.5 0.5 0.5\n"
VOC = (
    "<annotation><filename>a.png</filename><size><width>24</width><height>20</height></size>"
    "<object><name>cat</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>9</xmax><ymax>9</ymax>"
    "</bndbox></object></annotation>"
)
COCO = json.dumps(
    {
        "images": [{"id": 1, "file_name": "a.png", "height": 20, "width": 24}],
        "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 1, 9, 9]}],
        "categories": [{"id": 1, "name": "cat"}],
    }
)


def lay(root: Path, files: dict[str, str]) -> None:
    """Write files: pictures by their ending, others with a text."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".png":
            Image.new("L" if text == "mask" else "RGB", (24, 20)).save(path)
        else:
            path.write_text(text)


def check(data: Path) -> Any:
    return fcmae.check(data=data, loader={"workers": 0})


OBJECTS: dict[str, tuple[str, dict[str, str]]] = {
    "yolo": ("", {"images/a.png": "", "images/b.png": "", "labels/b.txt": BOX}),
    "yolo-parts-inside": ("", {"images/train/a.png": "", "labels/train/a.txt": BOX}),
    "yolo-parts-outside": ("", {"train/images/a.png": "", "train/labels/a.txt": BOX}),
    "yolo-of-other-parts": ("", {"images/train2017/a.png": "", "labels/train2017/a.txt": BOX}),
    "yolo-images": ("images", {"images/a.png": "", "labels/a.txt": BOX}),
    "yolo-beside": ("", {"a.png": "", "a.txt": BOX}),
    "yolo-list": (
        "train.txt",
        {"images/a.png": "", "labels/a.txt": BOX, "train.txt": "images/a.png"},
    ),
    "yolo-yaml": (
        "data.yaml",
        {
            "images/a.png": "",
            "labels/a.txt": BOX,
            "data.yaml": "train: images\nnames: [face masks]",
        },
    ),
    "yolo-yaml-inside": (
        "",
        {"images/a.png": "", "labels/a.txt": BOX, "data.yaml": "train: images\nnames: [cat]"},
    ),
    "coco": ("", {"train/a.png": "", "annotations/instances_train.json": COCO}),
    "coco-images": ("", {"images/a.png": "", "annotations/instances_train.json": COCO}),
    "coco-images-parts": ("", {"images/train/a.png": "", "annotations/instances_train.json": COCO}),
    "voc": ("", {"JPEGImages/a.png": "", "Annotations/a.xml": VOC}),
    "voc-images": ("", {"images/a.png": "", "Annotations/a.xml": VOC}),
}


@pytest.mark.parametrize("kind", OBJECTS)
def test_labels_of_objects_are_known_without_being_named(kind: str, tmp_path: Path) -> None:
    inside, files = OBJECTS[kind]
    lay(tmp_path, files)
    found = check(tmp_path / inside)
    assert (found.task, found.problems, found.unusable) == ("detect", [], [])
    assert found.usable == sum(name.endswith(".png") for name in files)
    assert sum(found.classes.values()) == 1


def test_wrong_lines_of_yolo_are_listed_without_naming_the_task(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lay(tmp_path, {"images/a.png": "", "labels/a.txt": BOX + "0 0.5 0.5\n"})
    assert main(["check", f"{tmp_path}", "--loader.workers", "0"]) == 6
    said = capsys.readouterr().out
    assert said.startswith("Checked as images with labels of objects (--task names another kind).")
    assert f"\n1 label is wrong:\n  {tmp_path}/labels/a.txt, line 2: it has 3 values" in said
    assert "\n1 image has 3 channels of 8 bits.\n" in said
    assert said.endswith("\n1 file is a usable image.\n")


@pytest.mark.parametrize("folder", ["labels", "annotations", "masks"])
def test_masks_are_known_in_whichever_folder_they_lie(folder: str, tmp_path: Path) -> None:
    lay(tmp_path, {"images/a.png": "", f"{folder}/a.png": "mask", "classes.txt": "sky\nsea"})
    lay(tmp_path, {f"{folder}/readme.txt": "", f"{folder}/info.json": "{}"})
    found = check(tmp_path)
    assert (found.task, found.classes, found.unusable) == ("segment", {"sky": 1, "sea": 0}, [])


def test_masks_are_all_missed_in_an_empty_folder_of_masks(tmp_path: Path) -> None:
    lay(tmp_path, {"images/a.png": "", "masks/readme.txt": "", "classes.txt": "sky\nsea"})
    found = check(tmp_path)
    assert found.task == "segment"
    assert [entry["path"] for entry in found.unusable] == ["images/a.png"]


def test_a_yaml_of_label_maps_beside_them_is_none_of_objects(tmp_path: Path) -> None:
    lay(tmp_path, {"images/a.png": "", "masks/a.png": "mask", "classes.txt": "sky\nsea"})
    text = "train: {images: images, masks: masks}"
    lay(tmp_path, {"data.yaml": text, "other.yaml": text, "third.yaml": "train: ."})
    assert [check(tmp_path / name).task for name in ("", "other.yaml", "third.yaml")] == (
        ["segment"] * 3
    )


AMBIGUOUS: dict[str, tuple[dict[str, str], str]] = {
    "both": (
        {"images/a.png": "", "masks/a.png": "mask", "labels/a.txt": BOX},
        "{root} holds label maps as well as labels of objects: say which to check with "
        'task="segment" or task="detect".',
    ),
    "neither": (
        {"images/a.png": "", "labels/readme.txt": "these are labels"},
        "{root}/labels holds no file of an image's name, neither a mask nor labels of objects, "
        'so nothing tells what it is for: say it with task="segment" or task="detect", or give '
        "the folder of images alone.",
    ),
}


@pytest.mark.parametrize("kind", AMBIGUOUS)
def test_what_could_be_either_must_be_named(kind: str, tmp_path: Path) -> None:
    files, message = AMBIGUOUS[kind]
    lay(tmp_path, {**files, "classes.txt": "sky\nsea"})
    with pytest.raises(DataError) as error:
        check(tmp_path)
    assert str(error.value) == message.format(root=tmp_path)
    found = fcmae.check(data=tmp_path, task="segment", loader={"workers": 0})
    assert found.task == "segment"


OTHERS: dict[str, tuple[dict[str, str], str | None]] = {
    "captions": ({"a.png": "", "a.txt": "0 is a number of words"}, None),
    "metadata": ({"a.png": "", "a.png.aux.xml": "<PAMDataset></PAMDataset>"}, None),
    "classes": (
        {"images/a.png": "", "drawings/a.png": "", "drawings/notes.txt": "0 1"},
        "classify",
    ),
    "a-list": ({"a.png": "", "list.txt": "a.png"}, None),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_files_beside_images_are_no_labels(kind: str, tmp_path: Path) -> None:
    files, task = OTHERS[kind]
    lay(tmp_path, files)
    found = check(tmp_path / "list.txt" if kind == "a-list" else tmp_path)
    assert (found.task, found.problems, found.unusable) == (task, [], [])
