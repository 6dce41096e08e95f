"""Label images with a number for each object, as tools for microscopes write them."""

import json
from pathlib import Path

import numpy as np
import pytest
from labels import whole_mask
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from PIL import Image

import fcmae
from fcmae.data.objects.collect import LabelledObjects
from fcmae.data.objects.find import read_part, split_objects
from fcmae.data.objects.parts import parts_of
from fcmae.errors import DataError

SIZE = (40, 60)


def numbers(count: int = 6, dtype: str = "uint16") -> NDArray[np.generic]:
    """Rectangles of 8 x 12 pixels that touch each other, each with its own number."""
    labels = np.zeros(SIZE, dtype=dtype)
    for number in range(count):
        top, left = 4 + 9 * (number // 3), 5 + 12 * (number % 3)
        labels[top : top + 8, left : left + 12] = number + 1
    return labels


def save(path: Path, pixels: NDArray[np.generic]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def photo(path: Path) -> None:
    save(path, np.full(SIZE, 90, dtype=np.uint8))


def read(source: Path) -> LabelledObjects:
    (part,) = parts_of(source).values()
    return read_part(part)


def stardist(root: Path) -> Path:
    for name in ("a", "b"):
        photo(root / "images" / f"{name}.tif")
        save(root / "masks" / f"{name}.tif", numbers())
    return root


def cellpose(root: Path) -> Path:
    for name, image, mask in (("a", "_img.tif", "_masks.tif"), ("b", ".png", "_cp_masks.png")):
        photo(root / f"{name}{image}")
        save(root / f"{name}{mask}", numbers())
    return root


def bowl(root: Path) -> Path:
    for name in ("a", "b"):
        photo(root / name / "images" / f"{name}.png")
        for number in range(1, 7):
            mask = np.where(numbers() == number, 255, 0).astype(np.uint8)
            save(root / name / "masks" / f"{number}.png", mask)
    return root


def in_parts(root: Path) -> Path:
    photo(root / "images" / "train" / "a.png")
    save(root / "masks" / "train" / "a.png", numbers(12))
    return root


LAYOUTS = {"stardist": stardist, "cellpose": cellpose, "bowl": bowl, "parts": in_parts}


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_number_is_an_object_with_its_outline(tmp_path: Path, name: str) -> None:
    found = read(LAYOUTS[name](tmp_path))
    assert found.problems == ()
    assert found.images.classes == ("object",)
    assert len(found.objects) == 12
    boxes = found.objects.boxes
    assert_array_equal(boxes[:2], [[5, 4, 17, 12], [17, 4, 29, 12]])
    for number in range(6):
        mask = whole_mask(json.loads(found.objects.outline(number)), SIZE)
        assert_array_equal(mask, numbers() == number + 1)


@pytest.mark.parametrize("name", LAYOUTS)
def test_check_takes_them_for_objects_by_itself(tmp_path: Path, name: str) -> None:
    found = fcmae.check(data=LAYOUTS[name](tmp_path), loader={"workers": 0})
    assert found.task == "detect"
    assert found.sound
    assert "12 objects (object 12)" in found.notes[0]


def test_a_file_may_name_the_class(tmp_path: Path) -> None:
    (stardist(tmp_path) / "classes.txt").write_text("nucleus\n")
    assert read(tmp_path).images.classes == ("nucleus",)
    train, val = split_objects(tmp_path, share=0.5)
    assert len(train.objects) == len(val.objects) == 6


def test_numbers_of_classes_are_refused_by_name(tmp_path: Path) -> None:
    (stardist(tmp_path) / "classes.txt").write_text("sky\nsea\n")
    assert fcmae.check(data=tmp_path, loader={"workers": 0}).task == "segment"
    with pytest.raises(DataError, match="has 2 classes in a file beside it, so its numbers are"):
        read(tmp_path)


@pytest.mark.parametrize("values", [255, 1])
def test_a_foreground_is_refused_by_name(tmp_path: Path, values: int) -> None:
    labels = numbers()
    labels[:, 22:26] = 0
    for name in ("a", "b"):
        photo(tmp_path / "images" / f"{name}.png")
        save(tmp_path / "masks" / f"{name}.png", np.where(labels > 0, values, 0).astype(np.uint8))
    with pytest.raises(DataError, match=r"2 of the 2 numbers in .* lie in several pieces"):
        read(tmp_path)


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    stardist(tmp_path)
    photo(tmp_path / "images" / "c.tif")
    save(tmp_path / "masks" / "d.tif", numbers())
    save(tmp_path / "masks" / "b.tif", numbers()[:20])
    found = read(tmp_path)
    said = {Path(problem.file).name: problem.reason for problem in found.problems}
    assert said.keys() == {"b.tif", "c.tif", "d.tif"}
    assert said["b.tif"].startswith("it has 20 x 60 pixels, but its image 40 x 60")
    assert said["c.tif"] == "there is no label image for it"
    assert said["d.tif"] == "there is no image for this label image"
    assert len(found.objects) == 6


def test_an_image_without_an_object_is_one(tmp_path: Path) -> None:
    save(stardist(tmp_path) / "masks" / "b.tif", np.zeros(SIZE, dtype=np.uint16))
    found = read(tmp_path)
    assert found.problems == ()
    assert [len(found.objects.of_image(i)) for i in range(2)] == [6, 0]
