"""The same bytes twice: in two classes, in two parts, or just twice."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import fcmae
from fcmae.data.duplicates import duplicates
from fcmae.data.listing import find_images, split
from fcmae.flags import written_as_flags


@pytest.fixture(autouse=True)
def flags() -> Iterator[None]:
    """Messages as the command line shows them."""
    with written_as_flags():
        yield


def classes(root: Path, *names: str) -> Path:
    """Files whose bytes are those of the last letter of their names, all of one length."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (ord(name[-1]), 0, 0)).save(root / name, format="PNG")
    return root


def told(root: Path) -> list[str]:
    return list(duplicates({"all": find_images(root)}).sentences())


def test_images_of_two_classes_and_images_that_are_there_twice_are_told(tmp_path: Path) -> None:
    classes(tmp_path, "cat/a", "cat/b", "dog/1a", "dog/c", "dog/1c", "dog/d")
    assert told(tmp_path) == [
        "1 image is in two classes (the same bytes), so that nobody can tell them apart: cat/a and "
        "dog/1a.",
        "1 image is there more than once (the same bytes), which count as often: dog/1c and dog/c.",
    ]
    assert told(classes(tmp_path / "other", "cat/a", "cat/b", "dog/c")) == []


def test_images_of_two_parts_are_told(tmp_path: Path) -> None:
    root = classes(tmp_path, "train/a/1", "train/b/2", "val/a/x1", "val/b/3", "train/b/4")
    train, val = split(root)
    assert list(duplicates({"train": train, "val": val}).sentences()) == [
        "1 image is in two parts (the same bytes), so that results on them mean nothing: "
        "train/a/1 and val/a/x1."
    ]
    assert list(duplicates({"train": train, "val": val}, most=2).sentences()) == []
    found = fcmae.check(data=root, loader={"workers": 0})
    assert found.notes == [
        "1 image is in two parts (the same bytes), so that results on them mean nothing: "
        "train/a/1 and val/a/x1."
    ]


def test_files_of_one_size_but_other_bytes_are_not_equal(tmp_path: Path) -> None:
    for name, byte in (("a", b"x"), ("b", b"y"), ("c", b"x")):
        (tmp_path / name).write_bytes(byte * 100)
    assert [[i for _, i in g] for g in duplicates({"": find_images(tmp_path)}).groups] == [[0, 2]]


def test_check_tells_ignored_pixels_and_turned_images_of_label_maps(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[274] = 3
    for number in range(3):
        for name in ("images", "masks"):
            (tmp_path / name).mkdir(exist_ok=True)
        more = {"exif": exif} if number == 1 else {}
        Image.new("RGB", (8, 6), (number, 0, 0)).save(tmp_path / f"images/{number}.jpg", **more)
        mask = np.full((6, 8), 255, dtype=np.uint8)
        mask[0, 0] = 1
        Image.fromarray(mask).save(tmp_path / f"masks/{number}.png")
    (tmp_path / "classes.txt").write_text("a\nb\nc\n")
    found = fcmae.check(data=tmp_path, loader={"workers": 0})
    assert found.notes == [
        "all pixels that count are of class b, so that no training starts: there is nothing to "
        "learn.",
        "In 3 masks, 97.9% of the pixels are ignored (number 255), and none is of class a, c: if "
        "255 means a class, give the number of each with --labels.numbers.",
        "1 image such as 1.jpg is turned by EXIF: masks must be of the upright picture.",
    ]
