"""What files of YOLO of many writers become: read, refused by name, or counted in a note."""

import os
from pathlib import Path

import pytest
from labels import YOLO, pictures, write_yolo
from numpy.testing import assert_allclose

from fcmae.data.objects.collect import LabelledObjects
from fcmae.data.objects.find import read_part, split_objects
from fcmae.data.objects.parts import has_objects, parts_of
from fcmae.data.objects.rules import AS_WRITTEN, LabelRules
from fcmae.errors import DataError

TOOTHBRUSH, PERSON = [10, 5, 30, 15], [50, 30, 60, 40]
BOX = "1 0.33333333 0.25 0.33333333 0.25\n"


def read(source: Path, rules: LabelRules = AS_WRITTEN) -> LabelledObjects:
    (part,) = parts_of(source).values()
    return read_part(part, rules=rules)


READ = {
    "class as a float": YOLO.replace("1 ", "1.0 ", 1),
    "lines of Windows": YOLO.replace("\n", "\r\n"),
    "byte order mark": "\ufeff" + YOLO,
    "tabs and empty lines": "\n" + YOLO.replace(" ", "\t") + "\n\n",
}


@pytest.mark.parametrize("name", READ)
def test_what_other_writers_mean_is_read(tmp_path: Path, name: str) -> None:
    file = write_yolo(tmp_path, "")
    (tmp_path / "labels" / "train" / "a.txt").write_bytes(READ[name].encode())
    found = read(file)
    assert found.problems == ()
    assert_allclose(found.objects.boxes, [TOOTHBRUSH, PERSON], atol=1e-5)
    assert found.objects.classes.tolist() == [1, 0]


def test_an_oriented_box_is_an_outline_of_four_corners(tmp_path: Path) -> None:
    found = read(write_yolo(tmp_path, "0 0.5 0.25 0.75 0.5 0.5 0.75 0.25 0.5\n"))
    assert_allclose(found.objects.boxes, [[15, 10, 45, 30]])
    assert found.objects.areas[0] == pytest.approx(300, abs=20)


def test_images_without_a_file_are_counted_and_empty_files_are_not(tmp_path: Path) -> None:
    file = write_yolo(tmp_path, YOLO)
    lost = tmp_path / "labels" / "train" / "b.txt"
    said = f"images without a label file, which have no objects: 1 (the first: {lost})"
    assert read(file).notes == (said,)
    lost.touch()
    assert read(file).notes == ()


REFUSED = {
    "pixels": ("0 30 20 20 10\n1 10 10 4 4\n", "2 of the 2 lines of {labels} are in pixels"),
    "corners": (
        "0 0.1 0.1 0.9 0.9\n1 0.5 0.4 0.8 0.9\n0 0.2 0.6 0.5 0.8\n",
        "the boxes of {labels} are x1, y1, x2, y2, but its format has centre x, centre y,",
    ),
    "upper left corners": (
        "0 0 0 0.5 0.5\n1 0.1 0.1 0.4 0.8\n0 0.05 0.6 0.2 0.3\n1 0 0.3 0.1 0.1\n",
        "the boxes of {labels} are x, y, width, height, but its format has centre x",
    ),
    "keypoints": (
        "0 0.5 0.5 0.4 0.4 0.4 0.4 0.6 0.6\n" * 3,
        "the 9 values of each line of {labels} look like a box and keypoints inside of it",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_numbers_that_mean_something_else_are_refused_by_name(tmp_path: Path, name: str) -> None:
    lines, expected = REFUSED[name]
    with pytest.raises(DataError) as caught:
        read(write_yolo(tmp_path, lines))
    assert expected.format(labels=tmp_path / "labels" / "train") in str(caught.value)
    assert "\n" not in str(caught.value)


DAMAGED = {
    "0 0.5 0.5 0.2 0.2 0.9\n": "a sixth is the confidence of a prediction, which is no label",
    "0 30 20 4 4\n": "its numbers are pixels, but must be shares of the image from 0 to 1",
    "0 0.5 0.5 0.2 0.2 0.4 0.4 2\n": "of keypoints, tell kpt_shape in the data.yaml",
    "0,0.5,0.5,0.2,0.2\n": "it has 1 values, but a box has five",
}


@pytest.mark.parametrize("line", DAMAGED)
def test_a_line_of_another_kind_is_named(tmp_path: Path, line: str) -> None:
    found = read(write_yolo(tmp_path, YOLO + line))
    [problem] = found.problems
    assert problem.where == "line 3"
    assert DAMAGED[line] in problem.reason
    assert len(found.objects) == 2


@pytest.mark.parametrize("shape", ["[2, 3]", "[3, 2]"])
def test_keypoints_are_passed_over_where_the_yaml_tells_their_shape(
    tmp_path: Path, shape: str
) -> None:
    points = " 0.3 0.2 2 0.4 0.2 0" if shape == "[2, 3]" else " 0.3 0.2 0.4 0.2 0 0"
    lines = BOX.replace("\n", points + "\n")
    found = read(write_yolo(tmp_path, lines, f"names: [a, b]\nkpt_shape: {shape}"))
    assert found.problems == ()
    assert_allclose(found.objects.boxes, [TOOTHBRUSH], atol=1e-5)
    assert found.objects.num_outlined == 0
    assert "keypoints of objects, passed over: 1 (the first" in found.notes[0]


def test_boxes_and_outlines_over_the_border_are_cut_off_if_asked(tmp_path: Path) -> None:
    file = write_yolo(tmp_path, BOX + "0 0.9 0.5 0.4 0.5\n1 0.5 0.5 1.5 0.5 1.5 1 0.5 1\n")
    assert len(read(file).problems) == 2
    found = read(file, LabelRules(clip=True))
    assert found.problems == ()
    assert_allclose(
        found.objects.boxes, [TOOTHBRUSH, [42, 10, 60, 30], [30, 20, 60, 40]], atol=1e-5
    )
    assert "cut off at its border: 2" in found.notes[1]


YAMLS = {
    "names by number": ("train: images/train\nnames: {0: a, 1: b}", ("a", "b")),
    "names by number as text": ("train: images/train\nnames: {'1': b, '0': a}", ("a", "b")),
    "number of classes alone": ("train: images/train\nnc: 2", ("0", "1")),
    "both": ("train: images/train\nnc: 2\nnames: [a, b]", ("a", "b")),
    "folder of another machine": (
        "path: /content/data\ntrain: images/train\nnames: [a, b]",
        ("a", "b"),
    ),
    "path of another machine": ("train: /content/data/images/train\nnames: [a, b]", ("a", "b")),
    "path of Windows": ("train: D:\\data\\images\\train\nnames: [a, b]", ("a", "b")),
    "several folders": ("train: [images/train, more/images]\nnames: [a, b]", ("a", "b")),
    "labels and images": (
        "train: {labels: labels/train, images: images/train}\nnames: [a, b]",
        ("a", "b"),
    ),
    "names in a file": ("train: images/train\nnames: named.txt", ("a", "b")),
    "a list of another machine": ("train: list.txt\nnames: [a, b]", ("a", "b")),
}


@pytest.mark.parametrize("name", YAMLS)
def test_the_dialects_of_a_yaml(tmp_path: Path, name: str) -> None:
    text, classes = YAMLS[name]
    file = write_yolo(tmp_path, YOLO)
    pictures(tmp_path / "more" / "images")
    (tmp_path / "more" / "labels").mkdir()
    (tmp_path / "more" / "labels" / "b.txt").write_text(BOX)
    (tmp_path / "named.txt").write_text("a\nb\n")
    (tmp_path / "list.txt").write_text("data/images/train/a.png\ndata/images/train/b.png\n")
    file.write_text(text)
    found = read(file)
    assert found.problems == ()
    assert found.images.classes == classes
    assert len(found.objects) == 2 + (name == "several folders")
    assert all(found.images.path(i).is_file() for i in range(len(found.images)))


WRONG_YAMLS = {
    "nc: 3\nnames: [a, b]": "nc is 3, but names lists 2 classes: make them agree",
    "nc: many": "nc is many, but must be the number of classes",
    "names: {0: a, 2: b}": "names must list the classes, each once",
    "names: lost.txt": "names is lost.txt, but there is no such file",
    "names: [a, b]\nkpt_shape: 17": "kpt_shape is 17, but must be [NUMBER OF POINTS, 2 or 3]",
    "val: elsewhere/images/train\nnames: [a, b]": "train and val lead to the same place: name two",
}


@pytest.mark.parametrize("text", WRONG_YAMLS)
def test_a_yaml_that_contradicts_itself_is_refused(tmp_path: Path, text: str) -> None:
    file = write_yolo(tmp_path, YOLO, text)
    with pytest.raises(DataError) as caught:
        parts_of(file)
    assert WRONG_YAMLS[text] in str(caught.value)


def test_an_export_of_cvat_is_taken(tmp_path: Path) -> None:
    pictures(tmp_path / "obj_train_data")
    (tmp_path / "obj_train_data" / "a.txt").write_text(YOLO)
    (tmp_path / "obj.names").write_text("person\ntoothbrush\n")
    (tmp_path / "train.txt").write_text("data/obj_train_data/a.png\ndata/obj_train_data/b.png\n")
    (tmp_path / "obj.data").write_text(
        "classes = 2\ntrain = data/train.txt\nnames = data/obj.names\nbackup = backup/\n"
    )
    for source in (tmp_path, tmp_path / "obj.data"):
        train, val = split_objects(source, share=0.5)
        assert train.images.classes == ("person", "toothbrush")
        assert len(train.objects) + len(val.objects) == 2
        assert has_objects(source)


def test_images_and_labels_may_be_links(tmp_path: Path) -> None:
    file = write_yolo(tmp_path / "pool", YOLO)
    for kind in ("images", "labels"):
        (tmp_path / "in" / kind / "train").mkdir(parents=True)
        for path in (tmp_path / "pool" / kind / "train").iterdir():
            os.symlink(path, tmp_path / "in" / kind / "train" / path.name)
    (tmp_path / "in" / "data.yaml").write_text(file.read_text())
    found = read(tmp_path / "in")
    assert (len(found.images), len(found.objects)) == (2, 2)
    (tmp_path / "in" / "images" / "train" / "lost.png").symlink_to("/nowhere.png")
    assert dict(read(tmp_path / "in").images.set_aside)["lost.png"].startswith("a link to nothing")
