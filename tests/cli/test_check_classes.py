"""``fcmae check`` reads train and val of classes as ``fcmae finetune classify`` does."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import fcmae
from fcmae.cli.main import main
from fcmae.errors import DataError


def tree(root: Path, **folders: int) -> Path:
    """Folders with so many pictures each; ``__`` stands for a slash."""
    for name, count in folders.items():
        folder = root / name.replace("__", "/")
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            Image.new("RGB", (24, 20)).save(folder / f"{number}.png")
    return root


def check(data: Path, **options: Any) -> Any:
    return fcmae.check(data=data, loader={"workers": 0}, **options)


@pytest.fixture
def animals(tmp_path: Path) -> Path:
    return tree(tmp_path / "d", train__cat=3, train__dog=2, train__emu=1, val__cat=1, val__dog=2)


@pytest.mark.parametrize("task", ["auto", "classify"])
def test_each_part_is_checked_and_the_classes_are_those_of_train(animals: Path, task: str) -> None:
    found = check(animals, task=task)
    assert (found.task, found.sound, found.problems) == ("classify", True, [])
    assert (found.usable, found.parts) == (9, {"train": 6, "val": 3})
    assert found.classes == {"cat": 4, "dog": 4, "emu": 1}


def test_a_damaged_file_is_named_with_its_part(animals: Path) -> None:
    (animals / "val/dog/0.png").write_bytes(b"")
    [entry] = check(animals).unusable
    assert entry == {"path": "val/dog/0.png", "reason": "the file is empty"}


def test_a_class_that_only_val_has_is_a_problem_as_it_stops_a_training(
    animals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(animals, val__zebra=2)
    words = ["--loader.workers", "0"]
    assert main(["check", f"{animals}", *words]) == 6
    said = capsys.readouterr().out
    reason = "train has no class of this name, so no classifier could know it (2 images)"
    assert f"  {animals}/val, class zebra: {reason}\n" in said
    assert "train has 6 images.\nval has 5 images.\n" in said
    assert check(animals).classes == {"cat": 4, "dog": 4, "emu": 1}
    words = ["--data", f"{animals}", "--out", f"{tmp_path}/run"]
    assert main(["finetune", "classify", *words]) == 6
    assert "classes that the model does not know: zebra" in capsys.readouterr().err


def test_a_test_part_is_checked_too_with_classes_or_without(animals: Path) -> None:
    tree(animals, test__cat=1, test__yak=1)
    found = check(animals)
    assert found.parts == {"train": 6, "val": 3, "test": 2}
    assert [(p["file"], p["where"]) for p in found.problems] == [(f"{animals}/test", "class yak")]
    for name in ("cat", "yak"):
        (animals / "test" / name / "0.png").rename(animals / "test" / f"{name}.png")
        (animals / "test" / name).rmdir()
    found = check(animals)
    assert (found.sound, found.parts["test"], found.classes["cat"]) == (True, 2, 4)
    for file in (animals / "test").iterdir():
        file.unlink()
    assert check(animals).parts == {"train": 6, "val": 3}


def test_other_names_of_the_parts_are_known(tmp_path: Path) -> None:
    tree(tmp_path, Training__a=2, Training__b=2, valid__a=1)
    assert check(tmp_path).parts == {"train": 4, "val": 1}


HALF = {"train__a": 2, "train__b": 2}
AMISS = [
    ({**HALF, "val__a": 1, "val__b": 0}, "val, its folders: the class folders b in"),
    ({**HALF, "val__a": 1, "val": 1}, "val, its folders: 1 images (such as 0.png) lie beside"),
    ({**HALF, "val__a": 0}, "val, its folders: there are no images in"),
]


@pytest.mark.parametrize(("folders", "told"), AMISS, ids=str)
def test_what_keeps_val_from_being_used_is_told_while_train_is_checked(
    folders: dict[str, int], told: str, tmp_path: Path
) -> None:
    found = check(tree(tmp_path / "d", **folders))
    [problem] = found.problems
    assert told in f"{problem['file']}, {problem['where']}: {problem['reason']}"
    assert (found.task, found.usable) == ("classify", sum(folders.values()))


def test_folders_of_images_without_labels_are_not_taken_for_classes(tmp_path: Path) -> None:
    for number, folders in enumerate(
        ({"train": 2, "val": 1}, {"train__images": 2, "val__images": 1}, {**HALF, "val": 1})
    ):
        found = check(tree(tmp_path / f"{number}", **folders))
        assert (found.task, found.problems, found.parts) == (None, [], {})
        assert found.usable == sum(folders.values())


def test_naming_the_task_asks_of_the_parts_what_training_asks(tmp_path: Path) -> None:
    one = check(tree(tmp_path / "one", train__a=2, val__a=1), task="classify")
    [problem] = one.problems
    assert problem["reason"] == "it has a single class, but a classifier needs two or more"
    flat = check(tree(tmp_path / "half", **HALF, val=1), task="classify")
    [problem] = flat.problems
    assert "is a flat folder of 1 images, but labels need one folder per" in problem["reason"]
    flat = check(tree(tmp_path / "flat", train=2, val=1), task="classify")
    assert ["is a flat folder of" in problem["reason"] for problem in flat.problems] == [True] * 2
    assert (flat.task, flat.classes, flat.usable) == ("classify", None, 3)
    with pytest.raises(DataError, match="there are no images in"):
        check(tree(tmp_path / "none", train=0, val=0), task="classify")


@pytest.mark.parametrize("task", ["auto", "classify"])
def test_an_image_beside_the_classes_of_train_is_a_problem_as_it_stops_a_training(
    animals: Path, task: str, tmp_path: Path
) -> None:
    tree(animals, train=1, val__zebra=1)
    found = check(animals, task=task)
    [stray, stranger] = found.problems
    assert (stray["file"], stray["where"]) == (f"{animals}/train", "its folders")
    assert stray["reason"].startswith("1 images (such as 0.png) lie beside the folders in")
    assert stranger["where"] == "class zebra"
    assert (found.task, found.usable, found.parts) == ("classify", 11, {"train": 7, "val": 4})
    with pytest.raises(DataError, match="lie beside the folders in"):
        fcmae.finetune("classify", data=animals, out=tmp_path / "run")


@pytest.mark.parametrize("task", ["auto", "classify"])
def test_a_train_without_images_beside_classes_to_validate_on_is_a_problem(
    tmp_path: Path, task: str
) -> None:
    for number, folders in enumerate(({"train": 0}, {"train__a": 0, "train__b": 0})):
        data = tree(tmp_path / f"{number}", **folders, val__a=1, val__b=2)
        found = check(data, task=task)
        [problem] = found.problems
        assert problem == {
            "file": f"{data}/train",
            "where": "its folders",
            "reason": "train has no images to learn from",
        }
        assert (found.task, found.usable) == ("classify", 3)


def test_folders_beside_many_loose_images_are_not_taken_for_classes(tmp_path: Path) -> None:
    found = check(tree(tmp_path, train=9, train__more=1, train__old=1, val=2, val__more=1))
    assert (found.task, found.problems, found.usable) == (None, [], 14)


def objects(root: Path, part: str, *classes: str) -> None:
    """COCO's labels of a picture that shows an object of each class, whatever their order."""
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (24, 20)).save(root / "annotations" / f"{part}.png")
    content = {
        "images": [{"id": 1, "file_name": f"{part}.png", "height": 20, "width": 24}],
        "categories": [{"id": n + 1, "name": name} for n, name in enumerate(classes)],
        "annotations": [
            {"id": n + 1, "image_id": 1, "category_id": n + 1, "bbox": [2, 2, 9, 9], "area": 81,
             "iscrowd": 0}
            for n in range(len(classes))
        ],
    }  # fmt: skip
    (root / "annotations" / f"instances_{part}.json").write_text(json.dumps(content))


def test_classes_of_objects_are_counted_by_their_names_over_the_parts(tmp_path: Path) -> None:
    objects(tmp_path, "train", "cat", "dog", "emu")
    objects(tmp_path, "val", "emu", "dog")
    found = check(tmp_path)
    assert (found.task, found.problems) == ("detect", [])
    assert found.classes == {"cat": 1, "dog": 2, "emu": 2}


def test_a_class_of_objects_that_only_val_has_is_a_problem(tmp_path: Path) -> None:
    objects(tmp_path, "train", "cat", "dog")
    objects(tmp_path, "val", "zebra", "dog")
    found = check(tmp_path)
    [problem] = found.problems
    assert problem["file"] == f"{tmp_path}/annotations/instances_val.json"
    assert problem["where"] == "class zebra"
    assert found.classes == {"cat": 1, "dog": 2}
    with pytest.raises(DataError, match="classes that the model does not know: zebra"):
        fcmae.finetune("detect", data=tmp_path, out=tmp_path / "run")
