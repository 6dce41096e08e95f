"""Folders, class folders and lists; splits; and errors that say what to do."""

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fcmae.data.held_out import few_labels, hold_out
from fcmae.data.listing import ImageList, find_images, split
from fcmae.errors import DataError

Make = Callable[..., Path]


def names(images: ImageList) -> list[str]:
    return [images.name(index) for index in range(len(images))]


def tree(root: Path, **classes: int) -> Path:
    """Class folders with so many files each."""
    for name, count in classes.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            (root / name / f"{number}.jpg").write_bytes(name.encode() * (number + 1))
    return root


def test_a_folder_is_listed_in_order_with_its_classes(tmp_path: Path) -> None:
    images = find_images(tree(tmp_path / "d", dog=2, cat=1))
    assert names(images) == ["cat/0.jpg", "dog/0.jpg", "dog/1.jpg"]
    assert images.classes == ("cat", "dog")
    assert_array_equal(images.labels, [0, 1, 1])
    assert images.path(1) == tmp_path / "d/dog/0.jpg"
    assert images.label(2) == 1


def test_a_flat_folder_has_no_labels(pictures: Make) -> None:
    images = find_images(pictures(3))
    assert images.labels is None
    assert images.classes is None
    assert images.label(0) is None


def test_labels_can_be_left_out(tmp_path: Path) -> None:
    assert find_images(tree(tmp_path / "d", a=1, b=1), labels=False).labels is None


def test_parts_of_a_data_set_are_not_mistaken_for_classes(tmp_path: Path) -> None:
    root = tree(tmp_path / "d", train=1, val=1)
    assert find_images(root).labels is None
    with pytest.raises(DataError, match="holds train and val, not classes"):
        find_images(root, labels=True)


def test_a_text_list_names_paths_relative_to_itself(tmp_path: Path) -> None:
    tree(tmp_path / "d", a=2)
    elsewhere = tree(tmp_path / "elsewhere", b=1)
    (tmp_path / "list.txt").write_text(f"d/a/1.jpg\n\n{elsewhere}/b/0.jpg\n d/a/0.jpg\n")
    images = find_images(tmp_path / "list.txt")
    assert names(images) == ["d/a/1.jpg", f"{elsewhere}/b/0.jpg", "d/a/0.jpg"]
    assert all(images.path(index).is_file() for index in range(3))


@pytest.mark.parametrize(
    "text",
    [
        "path,label\na/2.jpg,9\na/0.jpg,10\na/1.jpg,9\n",
        "source,File, Class\nweb,a/2.jpg,9\nweb,a/0.jpg, 10\nweb,a/1.jpg,9\n",
        "\ufefflabel,path\r\n9,a/2.jpg\r\n10,a/0.jpg\r\n\r\n9,a/1.jpg\r\n",
    ],
)
def test_a_csv_list_has_labels(text: str, tmp_path: Path) -> None:
    tree(tmp_path, a=3)
    (tmp_path / "list.csv").write_text(text, encoding="utf-8")
    images = find_images(tmp_path / "list.csv", labels=True)
    assert names(images) == ["a/2.jpg", "a/0.jpg", "a/1.jpg"]
    assert images.classes == ("9", "10")  # numbers in the order of numbers
    assert_array_equal(images.labels, [0, 1, 0])


def test_one_file_is_a_list_of_one(pictures: Make) -> None:
    assert names(find_images(pictures(2) / "0001.png")) == ["0001.png"]


def broken_sources(root: Path) -> dict[str, tuple[Path, bool | None]]:
    tree(root / "flat/inner", a=2)
    tree(root / "loose", a=1, b=1)
    (root / "loose/preview.jpg").write_bytes(b"x")
    tree(root / "hollow", a=1, b=0)
    tree(root / "empty")
    (root / "empty").mkdir()
    (root / "notes").mkdir()
    (root / "notes/readme.md").write_text("hello")
    (root / "nothing.txt").write_text("\n")
    (root / "gone.txt").write_text("a.jpg\nb.jpg\n")
    (root / "header.csv").write_text("a,b\n1,2\n")
    (root / "partly.csv").write_text("path,label\nloose/a/0.jpg,x\nloose/b/0.jpg,\n")
    (root / "latin.txt").write_bytes(b"caf\xe9.jpg\n")
    return {
        "there is no file or folder": (root / "nowhere/at/all", None),
        "Did you mean .*loose?": (root / "lose", None),
        "there are no images in .*empty": (root / "empty", None),
        "there are no images in .*notes. It holds 1 other": (root / "notes", None),
        "flat folder of 2 images, but labels need one folder": (root / "flat/inner/a", True),
        r"1 images \(such as preview.jpg\) lie beside": (root / "loose", True),
        "class folders b in .* hold no images": (root / "hollow", True),
        "is one image, but labels need": (root / "loose/preview.jpg", True),
        "names no images": (root / "nothing.txt", None),
        "the first is .*a.jpg.*relative to": (root / "gone.txt", None),
        "must name its columns path .* it is 'a,b'": (root / "header.csv", None),
        r"1 of 2 lines of .* have no label \(such as loose/b": (root / "partly.csv", None),
        "cannot be read as UTF-8": (root / "latin.txt", None),
    }


def test_every_source_that_cannot_work_says_why(tmp_path: Path) -> None:
    for message, (source, labels) in broken_sources(tmp_path).items():
        with pytest.raises(DataError, match=message):
            find_images(source, labels=labels)


def test_a_relative_path_says_where_it_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError) as caught:
        find_images(Path("nowhere"))
    told = f"there is no file or folder nowhere. It was looked for in {tmp_path}."
    assert str(caught.value) == told


def test_the_fingerprint_survives_a_copy_but_no_change(tmp_path: Path) -> None:
    root = tree(tmp_path / "d", a=3, b=2)
    original = find_images(root).fingerprint()
    copy = shutil.copytree(root, tmp_path / "elsewhere")
    os.utime(copy / "a/0.jpg", (0, 0))
    assert find_images(copy).fingerprint() == original
    changes: list[Callable[[Path], object]] = [
        lambda d: (d / "a/0.jpg").unlink(),
        lambda d: (d / "a/new.jpg").write_bytes(b"x"),
        lambda d: (d / "a/0.jpg").write_bytes(b"something longer"),
        lambda d: (d / "a").rename(d / "c"),
    ]
    for number, change in enumerate(changes):
        changed = shutil.copytree(root, tmp_path / f"changed{number}")
        change(changed)
        assert find_images(changed).fingerprint() != original


def test_the_fingerprint_sees_labels_and_missing_files(tmp_path: Path) -> None:
    tree(tmp_path, a=2)
    fingerprints = set()
    for labels in ("xy", "yx"):
        rows = "".join(f"a/{n}.jpg,{label}\n" for n, label in enumerate(labels))
        (tmp_path / "list.csv").write_text("path,label\n" + rows)
        fingerprints.add(find_images(tmp_path / "list.csv").fingerprint())
    (tmp_path / "a/1.jpg").unlink()
    fingerprints.add(find_images(tmp_path / "list.csv").fingerprint())
    assert len(fingerprints) == 3


def test_a_subset_keeps_names_labels_and_classes(tmp_path: Path) -> None:
    images = find_images(tree(tmp_path / "d", a=2, b=2)).subset(np.array([3, 0]))
    assert names(images) == ["b/1.jpg", "a/0.jpg"]
    assert_array_equal(images.labels, [1, 0])
    assert images.classes == ("a", "b")


def test_a_list_travels_to_other_processes_as_a_handful_of_objects() -> None:
    paths = [b"folder/%07d.jpg" % number for number in range(20_000)]
    images = ImageList.of(Path("/data"), paths)
    data = pickle.dumps(images)
    assert len(data) < 20_000 * 30
    assert pickle.loads(data).store.key(19_999) == paths[-1]


def test_train_and_val_folders_are_found(tmp_path: Path) -> None:
    tree(tmp_path / "d/train", a=3, b=2, c=1)
    tree(tmp_path / "d/val", a=1, c=1)
    train, val = split(tmp_path / "d")
    assert (len(train), len(val)) == (6, 2)
    assert train.classes == val.classes == ("a", "b", "c")
    assert_array_equal(val.labels, [0, 2])


def test_a_validation_folder_can_be_named(tmp_path: Path) -> None:
    train, val = split(tree(tmp_path / "x", a=3, b=2), tree(tmp_path / "y", b=1))
    assert (len(train), names(val)) == (5, ["b/0.jpg"])
    assert_array_equal(val.labels, [1])


def test_classes_that_only_the_validation_folder_has_are_refused(tmp_path: Path) -> None:
    source, val = tree(tmp_path / "x", a=3, b=2), tree(tmp_path / "y", b=1, zebra=1)
    with pytest.raises(DataError, match="classes that the model does not know: zebra"):
        split(source, val)


def test_a_single_class_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="single class, but a classifier needs two"):
        split(tree(tmp_path / "d", only=5))


def test_a_class_folder_that_is_a_link_is_followed_and_one_to_nothing_refused(
    tmp_path: Path,
) -> None:
    root = tree(tmp_path / "d", cat=2)
    (root / "owl").symlink_to(tree(tmp_path / "pool", owl=3) / "owl")
    images = find_images(root, labels=True)
    assert (images.classes, len(images)) == (("cat", "owl"), 5)
    assert images.path(4).read_bytes() == b"owl" * 3
    (root / "dog").symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match=r"dog in .*d is a link to nothing, so that a class would"):
        find_images(root, labels=True)


def test_otherwise_a_share_of_each_class_is_held_out_by_name(tmp_path: Path) -> None:
    root = tree(tmp_path / "d", a=20, b=40, c=2)
    train, val = split(root, share=0.1)
    assert np.bincount(val.labels).tolist() == [2, 4, 1]
    assert sorted(names(train) + names(val)) == names(find_images(root))
    again = split(shutil.copytree(root, tmp_path / "copy"), share=0.1)[1]
    assert names(again) == names(val)


def test_a_class_of_one_image_cannot_be_split(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="class 'b' has one image, but needs two"):
        split(tree(tmp_path / "d", a=5, b=1))


def test_images_without_labels_can_be_held_out_too(pictures: Make) -> None:
    rest, held_out = hold_out(find_images(pictures(10)), 0.25)
    assert (len(rest), len(held_out)) == (8, 2)


def test_few_labels_are_drawn_by_seed_and_nested(tmp_path: Path) -> None:
    images = find_images(tree(tmp_path / "d", a=30, b=20))
    five, ten = (few_labels(images, number, seed=1) for number in (5, 10))
    assert np.bincount(ten.labels).tolist() == [10, 10]
    assert set(names(five)) < set(names(ten))
    assert names(few_labels(images, 5, seed=1)) == names(five)
    assert names(few_labels(images, 5, seed=2)) != names(five)


def test_asking_for_more_labels_than_there_are_names_the_class(tmp_path: Path) -> None:
    images = find_images(tree(tmp_path / "d", a=3, b=2))
    with pytest.raises(DataError, match="class 'b' has 2 images, but 3 were asked for"):
        few_labels(images, 3, seed=0)
    with pytest.raises(DataError, match="have no labels"):
        few_labels(find_images(tmp_path / "d", labels=False), 1, seed=0)


def test_listing_needs_no_torch() -> None:
    code = "import sys, fcmae.data.listing, fcmae.data.check; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_shared_photographs_are_listed(shared: Path) -> None:
    images = find_images(shared / "photos")
    assert len(images) == 136
    assert [path for path, _ in images.set_aside] == [
        "broken/.DS_Store",
        "broken/._photo.jpg",
        "broken/Thumbs.db",
    ]
