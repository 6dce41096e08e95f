"""Three kinds of label files become the same table; damaged ones are named, line by line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labels import VOC, YOLO, coco, pictures, whole_mask, write_coco, write_voc, write_yolo
from numpy.testing import assert_allclose

from fcmae.data.image import UnusableImage
from fcmae.data.objects.collect import LabelledObjects
from fcmae.data.objects.find import evaluation_objects, read_part, split_objects
from fcmae.data.objects.parts import parts_of
from fcmae.data.objects.recognise import numbers_beside
from fcmae.data.objects.rle import compress
from fcmae.data.objects.table import NO_NUMBER
from fcmae.errors import DataError

TOOTHBRUSH, PERSON = [10, 5, 30, 15], [50, 30, 60, 40]


def read(source: Path) -> LabelledObjects:
    (part,) = parts_of(source).values()
    return read_part(part)


def test_coco_keeps_numbers_crowds_and_outlines(tmp_path: Path) -> None:
    found = read(write_coco(tmp_path, coco()))
    objects = found.objects
    assert found.problems == ()
    assert found.images.classes == ("person", "toothbrush")  # by their numbers
    assert [found.images.name(i) for i in range(2)] == ["a.png", "b.png"]
    assert objects.class_ids.tolist() == [1, 90]
    assert objects.image_ids.tolist() == [7, 3]
    assert_allclose(objects.boxes, [TOOTHBRUSH, PERSON, [0, 0, 20, 2]])
    assert objects.classes.tolist() == [1, 0, 0]
    assert objects.crowd.tolist() == [False, False, True]
    assert objects.areas.tolist() == [200, 50, 40]
    assert [len(objects.of_image(i)) for i in range(2)] == [2, 1]


def test_reading_gives_outlines_and_leaves_crowds_out(tmp_path: Path) -> None:
    objects = read(write_coco(tmp_path, coco())).objects
    annotation = objects.read(0, (40, 60))
    assert annotation["labels"].tolist() == [1, 0]
    assert annotation["boxes"].dtype == np.float32
    masks = np.stack([whole_mask(json.loads(text), (40, 60)) for text in annotation["outlines"]])
    assert masks.shape == (2, 40, 60)
    assert masks[0, 5:15, 10:30].all()
    assert masks[0].sum() == 200
    assert 40 <= masks[1].sum() <= 55  # half of a square of 100
    empty = objects.read(1, (30, 20))
    assert empty["boxes"].shape == (0, 4)
    assert empty["outlines"].shape == (0,)


def test_a_picture_of_another_size_is_unusable(tmp_path: Path) -> None:
    objects = read(write_coco(tmp_path, coco())).objects
    with pytest.raises(UnusableImage, match=r"it has 40 x 60 pixels .* are for 60 x 40"):
        objects.read(0, (60, 40))


@pytest.mark.parametrize("counts", ["list", "text"])
def test_runs_may_be_a_list_or_a_text(tmp_path: Path, counts: str) -> None:
    content = coco()
    runs = content["annotations"][1]["segmentation"]
    content["annotations"][1]["iscrowd"] = 0
    if counts == "text":
        runs["counts"] = compress(runs["counts"])
    [outline] = read(write_coco(tmp_path, content)).objects.read(1, (30, 20))["outlines"]
    mask = whole_mask(json.loads(outline), (30, 20))
    assert mask[:2].all()
    assert mask.sum() == 40


def test_yolo_gives_the_same_boxes(tmp_path: Path) -> None:
    found = read(write_yolo(tmp_path, YOLO))
    assert found.problems == ()
    assert found.images.classes == ("person", "toothbrush")
    assert_allclose(found.objects.boxes, [TOOTHBRUSH, PERSON], atol=1e-5)
    assert found.objects.classes.tolist() == [1, 0]
    assert found.objects.num_outlined == 1
    assert len(found.objects.of_image(1)) == 0  # a picture without a file has no objects


ANY_ENDING = ["a.png", "a.JPG", "a.bmp", "a.BMP", "a.webp", "a.gif", "a.TIFF", "a.jp2", "a"]


@pytest.mark.parametrize("name", ANY_ENDING)
def test_labels_of_yolo_beside_images_of_any_ending_are_seen(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / "a.txt").write_text("a caption of words")
    (tmp_path / "b.txt").write_text(YOLO)
    (tmp_path / "b.csv").touch()
    (tmp_path / "b").mkdir()
    assert not numbers_beside(tmp_path)
    (tmp_path / "a.txt").write_text(YOLO)
    assert numbers_beside(tmp_path)


@pytest.mark.parametrize("said", ["", "a", "elsewhere/lost.png"])
@pytest.mark.parametrize("name", ANY_ENDING)
def test_an_image_of_voc_is_found_by_its_name_whatever_its_ending(
    tmp_path: Path, name: str, said: str
) -> None:
    write_voc(tmp_path, VOC.replace("<filename>a.png<", f"<filename>{said}<"))
    folder = tmp_path / "JPEGImages"
    (folder / "a.png").rename(folder / name)
    (folder / "a.csv").touch()
    assert read(tmp_path).images.name(0) == name


def test_voc_gives_the_same_boxes_and_difficult_objects_are_crowds(tmp_path: Path) -> None:
    found = read(write_voc(tmp_path, VOC))
    assert found.problems == ()
    assert found.images.classes == ("person", "toothbrush")
    assert_allclose(found.objects.boxes, [TOOTHBRUSH, PERSON])
    assert found.objects.crowd.tolist() == [False, True]
    assert "outlines" not in found.objects.read(0, (40, 60))


def test_fewer_and_renamed_images_keep_their_objects(tmp_path: Path) -> None:
    images = read(write_coco(tmp_path, coco())).images
    objects = images.annotations
    turned = images.subset(np.array([1, 0])).with_classes(["dog", "toothbrush", "person"])
    other = turned.annotations
    assert other.image_ids.tolist() == [3, 7]
    assert other.classes.tolist() == [2, 1, 2]
    assert other.class_ids[[2, 1]].tolist() == [1, 90]
    assert other.class_ids[0] == NO_NUMBER
    assert other.outline(1) == objects.outline(0)
    assert other.fingerprint() != objects.fingerprint()


Change = Callable[[dict[str, Any]], object]


def annotation(number: int, **fields: Any) -> Change:
    return lambda content: content["annotations"][number].update(fields)


def image(number: int, **fields: Any) -> Change:
    return lambda content: content["images"][number].update(fields)


DAMAGED_COCO: list[tuple[Change, str]] = [
    (annotation(0, bbox=[10, 5, 0, 10]), "annotation 11: its box from (10, 5) to (10, 15) has no"),
    (annotation(0, bbox=[10, 5, 80, 10]), "annotation 11: its box from (10, 5) to (90, 15) leaves"),
    (annotation(0, bbox=[10, 5, 20]), "annotation 11: its bbox is [10, 5, 20], but must be x, y"),
    (annotation(0, bbox=[10, 5, 20, float("nan")]), "annotation 11: its bbox is [10, 5, 20, nan]"),
    (annotation(0, bbox=["10", 5, 20, 10]), "annotation 11: its bbox is ['10', 5, 20, 10], but"),
    (annotation(0, bbox=[10**400, 5, 20, 10]), "annotation 11: its bbox is [1000"),
    (annotation(0, category_id=2), "annotation 11: its category_id 2 is no category of the file"),
    (annotation(0, category_id=[1]), "annotation 11: its category_id [1] is no category"),
    (annotation(0, image_id=8), "annotation 11: its image_id 8 is no image of the file"),
    (annotation(0, id=12), "annotation 12: the id appears twice"),
    (annotation(0, id=None), "entry 0 of annotations: its id is not a whole number"),
    (annotation(0, iscrowd=2), "annotation 11: its iscrowd is 2, but must be 0 or 1"),
    (annotation(0, area="big"), "annotation 11: its area is big, but must be a number"),
    (
        annotation(0, segmentation=[[10, 5, 30, 5]]),
        "annotation 11: polygon 1 has 4 numbers, but a polygon has an even number of at least six",
    ),
    (
        annotation(0, segmentation=[[10, 5, 30, 5, 20, 5]]),
        "annotation 11: polygon 1 has no area",
    ),
    (
        annotation(0, segmentation=[[10, 5, 30, 5, 70, 15]]),
        "annotation 11: polygon 1 leaves the image of 60 x 40 pixels (width x height)",
    ),
    (
        annotation(0, segmentation=[[10, 5, 30, None, 20, 15]]),
        "annotation 11: polygon 1 holds something that is not a finite number",
    ),
    (annotation(0, segmentation="x"), "annotation 11: its segmentation is neither polygons nor"),
    (
        annotation(1, segmentation={"size": [20, 30], "counts": [600]}),
        "annotation 12: its runs are for [20, 30], but the image has height and width [30, 20]",
    ),
    (
        annotation(1, segmentation={"size": [30, 20], "counts": [1, 2]}),
        "annotation 12: its runs do not fill an image of 30 x 20 pixels",
    ),
    (
        annotation(1, segmentation={"size": [30, 20], "counts": [700, -100]}),
        "annotation 12: its runs do not fill an image of 30 x 20 pixels",
    ),
    (
        annotation(1, segmentation={"size": [30, 20], "counts": "\u1234"}),
        "annotation 12: its runs are not COCO's short text",
    ),
    (
        annotation(1, segmentation={"size": [30, 20], "counts": [600]}),
        "annotation 12: its runs hold no pixel",
    ),
    (image(1, id=7), "image 7: the id appears twice"),
    (image(1, file_name="a.png"), "image 3: the image {root}/train/a.png was named before"),
    (image(1, file_name="c.png"), "image 3: its image {root}/train/c.png does not exist"),
    (image(1, file_name=5), "image 3: it has no file_name"),
    (image(1, file_name="\ud800.png"), "image 3: it has no file_name"),
    (image(1, width=2**64), "image 3: height 30 and width 18446744073709551616 are not both whole"),
    (annotation(0, id=2**64), "entry 0 of annotations: its id is not a whole number"),
    (image(1, width=-1), "image 3: height 30 and width -1 are not both whole numbers of pixels"),
]


@pytest.mark.parametrize(
    ("change", "expected"), DAMAGED_COCO, ids=[expected[:60] for _, expected in DAMAGED_COCO]
)
def test_a_damaged_label_of_coco_is_named_and_left_out(
    tmp_path: Path, change: Change, expected: str
) -> None:
    content = coco()
    change(content)
    file = write_coco(tmp_path, content)
    found = read(file)
    first = str(found.problems[0])
    assert first.startswith(f"{file}, {expected.format(root=tmp_path)}")
    assert "\n" not in first
    sound = 3 if expected.startswith("image 7") else 2  # a number twice takes no object away
    assert len(found.objects) + sum("annotation" in str(p) for p in found.problems) >= sound


SPOILT_IMAGES: list[tuple[Change, str, int]] = [
    (
        image(0, file_name="c.png"),
        "its image {root}/train/c.png does not exist (2 objects of it are passed over)",
        1,
    ),
    (image(1, file_name=5), "it has no file_name (1 object of it is passed over)", 2),
    (
        image(0, width=25),
        "its labels are for 25 x 40 pixels (width x height), but the image has 60 x 40 (2 objects "
        "of it are passed over)",
        1,
    ),
]


@pytest.mark.parametrize(
    ("change", "expected", "left"), SPOILT_IMAGES, ids=["gone", "name", "size"]
)
def test_what_is_wrong_with_an_image_is_told_once_whatever_objects_it_has(
    tmp_path: Path, change: Change, expected: str, left: int
) -> None:
    content = coco()
    change(content)
    found = read(write_coco(tmp_path, content))
    [problem] = found.problems
    assert problem.reason == expected.format(root=tmp_path)
    assert problem.where.startswith("image ")
    assert len(found.objects) == left


REFUSED_COCO: list[tuple[Any, str]] = [
    ('{"images": [', "line 1, column 13: not JSON: "),
    ("[1, 2]", "holds no labels: COCO's JSON has the keys images, annotations, categories."),
    ({"images": [], "annotations": []}, "has no list 'categories'"),
    ("[" * 100_000, "is nested too deeply"),
    ({**coco(), "categories": []}, "has no categories."),
    ({**coco(), "categories": [{"id": 1}]}, "entry 0 of categories: a category needs a whole"),
    (
        {**coco(), "categories": [{"id": 1, "name": "a"}, {"id": 1, "name": "b"}]},
        "category 1: the id or the name 'b' appears twice.",
    ),
    ({**coco(), "images": [{"id": 1, "file_name": "x.png"}]}, "(such as x.png) are in none of"),
    ({**coco(), "images": []}, "lists no images: its list 'images' is empty."),
]


@pytest.mark.parametrize(("content", "expected"), REFUSED_COCO, ids=lambda x: str(x)[:40])
def test_a_file_that_is_not_coco_is_refused_in_one_line(
    tmp_path: Path, content: Any, expected: str
) -> None:
    file = write_coco(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read(file)
    assert expected in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


DAMAGED_YOLO = [
    ("0 0.5 0.5 0.2\n", "line 1: it has 4 values, but a box has five"),
    ("\n0 0.5 0.5 0.2 0.2 0.3\n", "line 2: it has 6 values, but a box has five"),
    ("0 0.5 0.5 0 0.2\n", "line 1: its box from (30, 16) to (30, 24) has no area"),
    ("0 0.9 0.5 0.4 0.2\n", "line 1: its box from (42, 16) to (66, 24) leaves the image"),
    ("2 0.5 0.5 0.2 0.2\n", "line 1: its class is 2, but the classes are 0 to 1"),
    ("-1 0.5 0.5 0.2 0.2\n", "line 1: '-1 0.5 0.5 0.2 0.2' is not a class index and finite"),
    ("0.5 0.5 0.5 0.2 0.2\n", "line 1: '0.5 0.5 0.5 0.2 0.2' is not a class index and finite"),
    ("0 0.5 nan 0.2 0.2\n", "line 1: '0 0.5 nan 0.2 0.2' is not a class index and finite"),
    ("cat 0.5 0.5 0.2 0.2\n", "line 1: 'cat 0.5 0.5 0.2 0.2' is not a class index and finite"),
    ("0 0.5 0.5 1.5 0.5 0.7 0.7\n", "line 1: its outline leaves the image: coordinates are shares"),
    ("0 0.5 0.5 0.6 0.6 0.7 0.7\n", "line 1: polygon 1 has no area"),
]


@pytest.mark.parametrize(("lines", "expected"), DAMAGED_YOLO)
def test_a_damaged_line_of_yolo_is_named_and_left_out(
    tmp_path: Path, lines: str, expected: str
) -> None:
    found = read(write_yolo(tmp_path, lines + YOLO))
    (problem,) = found.problems
    assert str(problem).startswith(f"{tmp_path}/labels/train/a.txt, {expected}")
    assert len(found.objects) == 2


def test_a_list_of_yolo_names_images_of_several_folders(tmp_path: Path) -> None:
    file = write_yolo(tmp_path, YOLO)
    pictures(tmp_path / "more" / "images")
    (tmp_path / "more" / "labels").mkdir()
    (tmp_path / "more" / "labels" / "b.txt").write_text(YOLO)
    (tmp_path / "train.txt").write_text("./images/train/a.png\n\nmore/images/b.png\n")
    file.write_text("train: train.txt\nnames: [person, toothbrush]\n")
    found = read(file)
    assert found.problems == ()
    assert [found.images.path(i).name for i in range(2)] == ["a.png", "b.png"]
    assert found.objects.classes.tolist() == [1, 0, 1, 0]
    assert len(read(tmp_path / "train.txt").objects) == 4  # without names: numbers


def test_what_is_wrong_with_a_list_of_yolo_is_told(tmp_path: Path) -> None:
    write_yolo(tmp_path, "2 0.5 0.5 0.2 0.2\n")
    source = tmp_path / "train.txt"
    source.write_text("images/train/a.png\nimages/train/lost.png\n")
    (tmp_path / "classes.txt").write_text("person\ntoothbrush\n")
    second, first = read(source).problems
    assert str(first).endswith("a.txt, line 1: its class is 2, but the classes are 0 to 1")
    assert f"image 2 of {source}: its image {tmp_path}/images/train/lost.png does" in str(second)
    source.write_text("images/train/b.png\n")
    with pytest.raises(DataError, match=r"have no labels: there is no .*labels/train/b\.txt"):
        read(source)


def test_labels_without_an_image_are_named(tmp_path: Path) -> None:
    file = write_yolo(tmp_path, YOLO)
    (tmp_path / "labels" / "train" / "c.txt").write_text(YOLO)
    (problem,) = read(file).problems
    assert str(problem).endswith("c.txt, its name: there is no image for these labels")


BOMB = """<?xml version="1.0"?>
<!DOCTYPE bomb [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<annotation><filename>&b;</filename></annotation>
"""
OUTSIDE = """<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>
<annotation><filename>&e;</filename></annotation>
"""
DAMAGED_VOC: list[tuple[str | bytes, str]] = [
    (VOC.replace("<xmax>30", "<xmax>10"), "line 4: its box from (10, 5) to (10, 15) has no area"),
    (VOC.replace("<xmax>30", "<xmax>80"), "line 4: its box from (10, 5) to (80, 15) leaves"),
    (VOC.replace("<ymin>6</ymin>", ""), "line 4: it has no <bndbox> with four numbers"),
    (VOC.replace("<ymin>6<", "<ymin>inf<"), "line 4: it has no <bndbox> with four numbers"),
    (VOC.replace("<name>toothbrush</name>", ""), "line 4: its class '' is not among the classes"),
]
REFUSED_VOC: list[tuple[str | bytes, str]] = [
    (VOC.replace("</object>", "", 1), "line 12: not XML: mismatched tag"),
    (VOC.replace("annotation>", "labels>"), "line 1: it begins with <labels>, but must with"),
    (BOMB, "line 2: it declares a document type, which labels need not"),
    (OUTSIDE, "line 1: it declares a document type, which labels need not"),
    ("<a>" * 30, "line 1: it is nested too deeply for labels"),
    (b"\xff\xfe\x00", "line 1: not XML"),
    ('<?xml version="1.0" encoding="gb2312"?><annotation/>', "line 1: its encoding cannot be read"),
    ('<?xml version="1.0" encoding="foo"?><annotation/>', "line 1: "),
    ("", "line 1: not XML: no element found"),
    (VOC.replace("a.png", "c.png"), "line 3: its image {root}/JPEGImages/c.png does not exist"),
]


@pytest.mark.parametrize(("text", "expected"), DAMAGED_VOC, ids=lambda x: str(x)[-60:])
def test_a_damaged_object_of_voc_is_named_and_left_out(
    tmp_path: Path, text: str, expected: str
) -> None:
    found = read(write_voc(tmp_path, text))
    assert str(found.problems[0]).startswith(f"{tmp_path}/Annotations/a.xml, {expected}")
    assert len(found.objects) == 1


@pytest.mark.parametrize(("text", "expected"), REFUSED_VOC, ids=lambda x: str(x)[-60:])
def test_xml_that_is_damaged_or_dangerous_is_refused_in_one_line(
    tmp_path: Path, text: str | bytes, expected: str
) -> None:
    write_voc(tmp_path, text)
    if "c.png" in expected:
        (tmp_path / "Annotations" / "a.xml").rename(tmp_path / "Annotations" / "x.xml")
    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert expected.format(root=tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_parts_of_a_data_set_are_found_by_their_names(tmp_path: Path) -> None:
    file = write_coco(tmp_path, coco())
    (tmp_path / "train").rename(tmp_path / "val2017")
    file.rename(file.with_name("instances_val2017.json"))
    write_coco(tmp_path, coco())
    train, val = split_objects(tmp_path)
    assert (train.images.root.name, val.images.root.name) == ("train", "val2017")
    judged = evaluation_objects(tmp_path, ["toothbrush", "person", "dog"])
    assert judged.images.root.name == "val2017"
    assert judged.objects.classes.tolist() == [0, 1, 1]
    with pytest.raises(DataError, match="has classes that the model does not know: toothbrush"):
        evaluation_objects(tmp_path, ["person"])


def test_a_share_is_held_out_where_there_is_one_part(tmp_path: Path) -> None:
    train, val = split_objects(write_yolo(tmp_path, YOLO), share=0.5)
    assert len(train.images) == len(val.images) == 1
    assert len(train.objects) + len(val.objects) == 2


def test_voc_lists_its_parts_in_image_sets(tmp_path: Path) -> None:
    write_voc(tmp_path, VOC)
    lists = tmp_path / "ImageSets" / "Main"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\n")
    (lists / "val.txt").write_text("a 1\n")
    train, val = split_objects(tmp_path)
    assert len(train.objects) == len(val.objects) == 2
    (lists / "val.txt").write_bytes(b"\xe9\n")
    with pytest.raises(DataError, match=r"val\.txt is not text in UTF-8"):
        split_objects(tmp_path)


REFUSED_SOURCES = [
    ("none", "there is no file or folder"),
    ("train", "no labels of objects were found in"),
    ("train/a.png", "names no objects: give a COCO .json"),
    ("bad.yaml", "line 2: "),
    ("lost.yaml", "train is gone, but there is no"),
    ("empty.yaml", "names neither train nor val."),
    ("folders.yaml", "train is a, but there is no"),
    ("numbers.yaml", "train must be a folder or file, a list of them, or {labels: FILE OR FOLDER,"),
    ("table.yaml", "table.csv names no objects: give a COCO .json"),
    ("names.yaml", "names must list the classes, each once"),
]


@pytest.mark.parametrize(("name", "expected"), REFUSED_SOURCES)
def test_what_holds_no_labels_is_refused(tmp_path: Path, name: str, expected: str) -> None:
    write_coco(tmp_path, coco())
    (tmp_path / "bad.yaml").write_text("train: [1\n")
    (tmp_path / "lost.yaml").write_text("train: gone\n")
    (tmp_path / "empty.yaml").write_text("names: [a]\n")
    (tmp_path / "names.yaml").write_text("train: train\nnames: [a, a]\n")
    (tmp_path / "folders.yaml").write_text("train: [a, b]\n")
    (tmp_path / "numbers.yaml").write_text("train: [1, 2]\n")
    (tmp_path / "table.yaml").write_text("train: table.csv\n")
    (tmp_path / "table.csv").touch()
    with pytest.raises(DataError) as caught:
        parts_of(tmp_path / name)
    assert expected in str(caught.value)


def test_several_files_for_one_part_are_not_guessed_between(tmp_path: Path) -> None:
    file = write_coco(tmp_path, coco())
    file.with_name("instances_train_small.json").write_text(json.dumps(coco()))
    with pytest.raises(DataError, match=r"has several files of labels for train: .* Name one\."):
        parts_of(tmp_path)


def test_a_link_in_circles_beside_the_images_is_no_image(tmp_path: Path) -> None:
    source = write_voc(tmp_path, VOC)
    (source / "JPEGImages" / "loop").symlink_to("loop")
    found = read(source)
    assert found.problems == ()
    assert [found.images.name(i) for i in range(len(found.images))] == ["a.png"]
