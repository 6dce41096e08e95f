"""What COCO files of many writers become: read, refused by name, or counted in a note."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labels import coco, pictures, whole_mask, write_coco
from numpy.testing import assert_allclose
from PIL import ExifTags, Image

from fcmae.data.objects.collect import LabelledObjects
from fcmae.data.objects.find import read_part
from fcmae.data.objects.parts import parts_of
from fcmae.data.objects.rle import compress, encode
from fcmae.data.objects.rules import AS_WRITTEN, LabelRules
from fcmae.errors import DataError

TOOTHBRUSH, PERSON = [10, 5, 30, 15], [50, 30, 60, 40]
Change = Callable[[dict[str, Any]], Any]


def read(source: Path, rules: LabelRules = AS_WRITTEN) -> LabelledObjects:
    (part,) = parts_of(source).values()
    return read_part(part, rules=rules)


def changed(tmp_path: Path, change: Change) -> Path:
    content = coco()
    change(content)
    return write_coco(tmp_path, content)


def many(boxes: list[list[float]], **fields: Any) -> dict[str, Any]:
    """A file of boxes without outlines in a picture of 60 x 40 pixels."""
    content = coco()
    content["annotations"] = [
        {"id": n, "image_id": 7, "category_id": 1, "bbox": box, **fields}
        for n, box in enumerate(boxes)
    ]
    return content


CORNERS = [[10, 5, 30, 15], [20, 10, 50, 35], [35, 8, 58, 30], [5, 20, 25, 38]]


def outline_only(entry: dict[str, Any]) -> None:
    del entry["bbox"]


def all_of(key: str, field: str, make: Callable[[Any], Any]) -> Change:
    def change(content: dict[str, Any]) -> None:
        for entry in content[key]:
            entry[field] = make(entry.get(field))

    return change


def text_ids(content: dict[str, Any]) -> None:
    for image in content["images"]:
        image["id"] = f"img-{image['id']}"
    for one in content["annotations"]:
        one["image_id"] = f"img-{one['image_id']}"


READ: dict[str, tuple[Change, str]] = {
    "sizes are missing": (
        lambda c: [image.pop("height") for image in c["images"]],
        "images of no size in the labels, which their files tell: 2 (the first: image 7)",
    ),
    "sizes are null": (all_of("images", "width", lambda _: None), "which their files tell: 2"),
    "sizes are floats": (all_of("images", "width", float), ""),
    "ids are floats": (all_of("annotations", "image_id", float), ""),
    "ids are numbers as text": (all_of("annotations", "image_id", str), ""),
    "ids of categories are text": (all_of("categories", "id", str), ""),
    "ids of images are words": (text_ids, ""),
    "iscrowd is null": (lambda c: c["annotations"][0].update(iscrowd=None), ""),
    "outline without a box": (
        lambda c: outline_only(c["annotations"][0]),
        "annotations without a bbox, which their outline gives: 1",
    ),
    "area of 0": (lambda c: c["annotations"][0].update(area=0), "areas that are not above 0"),
    "area beyond the box": (
        lambda c: c["annotations"][0].update(area=999),
        "areas that are not above 0 or contradict their box, counted anew: 1",
    ),
    "area as a share": (lambda c: c["annotations"][0].update(area=0.1), "counted anew: 1"),
    "paths of Windows": (
        lambda c: [i.update(file_name=f"..\\train\\{i['file_name']}") for i in c["images"]],
        "",
    ),
    "paths of another machine": (
        lambda c: [i.update(file_name=f"/home/me/train/{i['file_name']}") for i in c["images"]],
        "paths of images are taken without their first 3 parts",
    ),
    "drive letters": (
        lambda c: [i.update(file_name=f"D:\\x\\{i['file_name']}") for i in c["images"]],
        "paths of images are taken without their first 2 parts",
    ),
    "addresses": (
        lambda c: [i.update(file_name=f"https://s3/b/{i['file_name']}?k=1") for i in c["images"]],
        "paths of images are taken without their first 2 parts",
    ),
    "addresses alone, as LVIS has them": (
        lambda c: [
            i.update(file_name=None, coco_url=f"http://coco/train/{i['file_name']}")
            for i in c["images"]
        ],
        "paths of images are taken without their first part",
    ),
    "group of Roboflow": (
        lambda c: (
            c["categories"].append({"id": 0, "name": "things", "supercategory": "none"}),
            all_of("categories", "supercategory", lambda s: s or "things")(c),
        ),
        "category 0 (things) is left out",
    ),
    "repeated": (
        lambda c: c["annotations"].append({**c["annotations"][0], "id": 99}),
        "objects that are repeated exactly (same image, class and box): 1",
    ),
}


@pytest.mark.parametrize("name", READ)
def test_what_other_writers_mean_is_read(tmp_path: Path, name: str) -> None:
    change, note = READ[name]
    found = read(changed(tmp_path, change))
    assert found.problems == ()
    assert found.images.classes == ("person", "toothbrush")
    boxes = found.objects.boxes
    assert_allclose(boxes[:2], [TOOTHBRUSH, PERSON])
    assert_allclose(found.objects.areas[:2], [200, 50])
    assert len(boxes) == 3 + (name == "repeated")
    if note:
        [said] = found.notes
        assert note in said
    else:
        assert found.notes == ()


def test_ids_that_are_words_are_numbered_and_numbers_as_text_are_kept(tmp_path: Path) -> None:
    words = read(changed(tmp_path / "words", text_ids)).objects
    assert words.image_ids.tolist() == [1, 2]
    digits = read(changed(tmp_path / "digits", all_of("images", "id", str))).objects
    assert digits.image_ids.tolist() == [7, 3]
    strings = read(changed(tmp_path / "strings", all_of("categories", "id", str))).objects
    assert strings.class_ids.tolist() == [1, 90]


def test_categories_count_from_0_and_have_gaps(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["categories"][1]["id"] = 0
        for entry in content["annotations"][1:]:
            entry["category_id"] = 0

    objects = read(changed(tmp_path, change)).objects
    assert objects.class_ids.tolist() == [0, 90]
    assert objects.classes.tolist() == [1, 0, 0]


def test_a_group_with_objects_of_its_own_is_a_class(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["categories"][0]["supercategory"] = "person"

    assert read(changed(tmp_path, change)).images.classes == ("person", "toothbrush")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "shares": (
        many([[x / 60, y / 40, w / 60, h / 40] for x, y, w, h in [(10, 5, 20, 10), (9, 9, 9, 9)]]),
        "all 2 boxes of {file} lie within [0, 1], so they are shares of the image",
    ),
    "most of them shares": (
        many([[0, 0, 0.5, 0.5], [0.1, 0.2, 0.3, 0.4], [5, 5, 9, 9]]),
        "2 of the 3 boxes of {file} lie within [0, 1]",
    ),
    "corners": (
        many([*CORNERS]),
        "the boxes of {file} are x1, y1, x2, y2, but its format has x, y, width, height: read so, "
        "3 of 4 leave their image",
    ),
    "corners of small boxes whose area tells": (
        {
            **many([]),
            "annotations": [
                {
                    "id": n,
                    "image_id": 7,
                    "category_id": 1,
                    "bbox": [5, 5, 9 + n, 8],
                    "area": 3 * (4 + n),
                }
                for n in range(4)
            ],
        },
        "are x1, y1, x2, y2",
    ),
    "centres": (
        many([[10, 5, 20, 10], [58, 20, 4, 8], [20, 38, 8, 4], [56, 36, 8, 8]]),
        "the boxes of {file} are centre x, centre y, width, height",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_boxes_in_another_convention_are_refused_by_name(tmp_path: Path, name: str) -> None:
    content, expected = REFUSED[name]
    file = write_coco(tmp_path, content)
    with pytest.raises(DataError) as caught:
        read(file)
    assert expected.format(file=file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_box_that_leaves_its_image_is_no_other_convention(tmp_path: Path) -> None:
    found = read(write_coco(tmp_path, many([[-5, 12, 45, 24], *([[30, 20, 9, 9]] * 3)])))
    [problem] = found.problems
    assert "leaves the image of 60 x 40 pixels" in problem.reason
    [note] = found.notes
    assert "repeated exactly (same image, class and box): 2" in note


def test_boxes_over_the_border_are_cut_off_if_asked(tmp_path: Path) -> None:
    boxes = [[-5, 12, 45, 24], [30, 20, 90, 90], [70, 5, 9, 9], [10, 5, 20, 10]]
    file = write_coco(tmp_path, many(boxes, area=7))
    found = read(file, LabelRules(clip=True))
    assert found.problems == ()
    assert_allclose(found.objects.boxes, [[0, 12, 40, 36], [30, 20, 60, 40], TOOTHBRUSH])
    assert_allclose(found.objects.areas, [40 * 24, 30 * 20, 7])
    assert found.notes == (
        f"boxes that left their image, cut off at its border: 2 (the first: {file}, annotation 0)",
        f"boxes beside their image, left out: 1 (the first: {file}, annotation 2)",
    )


def test_an_outline_is_cut_off_with_its_box(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["annotations"][0].update(
            bbox=[-10, 5, 40, 10], segmentation=[[-10, 5, 30, 5, 30, 15, -10, 15]]
        )

    file = changed(tmp_path, change)
    assert len(read(file).problems) == 1
    objects = read(file, LabelRules(clip=True)).objects
    assert_allclose(objects.boxes[0], [0, 5, 30, 15])
    mask = whole_mask(json.loads(objects.outline(0)), (40, 60))
    assert mask[5:15, :30].all()
    assert mask.sum() == objects.areas[0] == 300


def test_what_cannot_be_cut_off_stays_wrong(tmp_path: Path) -> None:
    found = read(write_coco(tmp_path, many([[10, 5, 0, 9], [10, 5, 9, 9]])), LabelRules(clip=True))
    [problem] = found.problems
    assert "has no area" in problem.reason


def test_a_picture_of_another_size_is_not_cut_off(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["images"][0].update(width=30, height=20)

    [problem] = read(changed(tmp_path, change), LabelRules(clip=True)).problems
    assert "for 30 x 20 pixels (width x height), but the image has 60 x 40" in problem.reason


@pytest.mark.parametrize("kind", ["polygon", "runs"])
def test_a_box_that_contradicts_its_outline_is_wrong(tmp_path: Path, kind: str) -> None:
    mask = np.ones((6, 8), dtype=np.bool_)
    runs = {"size": [40, 60], "counts": compress(encode(mask, top=30, left=2, size=(40, 60)))}
    polygon = [[2, 30, 10, 30, 10, 36, 2, 36]]

    def change(content: dict[str, Any]) -> None:
        content["annotations"][0]["segmentation"] = polygon if kind == "polygon" else runs

    [problem] = read(changed(tmp_path, change)).problems
    assert problem.reason == (
        "its box from (10, 5) to (30, 15) and its outline from (2, 30) to (10, 36) contradict each "
        "other"
    )


def test_crowds_are_objects_if_asked(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        for entry in content["annotations"]:
            entry["iscrowd"] = 1

    file = changed(tmp_path, change)
    assert read(file).objects.crowd.all()
    assert not read(file, LabelRules(crowds=True)).objects.crowd.any()


@pytest.mark.parametrize("folder", ["", "data", "train", "images/train", "photos"])
@pytest.mark.parametrize("file", ["labels.json", "annotations/custom_train.json"])
def test_images_are_looked_for_in_the_usual_folders(tmp_path: Path, folder: str, file: str) -> None:
    pictures(tmp_path / folder)
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(coco()))
    if folder == "images/train" and file == "labels.json":
        with pytest.raises(DataError, match=r"Name it in a \.yaml: 'train: \{labels: FILE"):
            read(path)
    else:
        assert read(path).images.root == tmp_path / folder


def test_two_folders_that_have_the_images_are_not_guessed_between(tmp_path: Path) -> None:
    for name in ("one", "two"):
        pictures(tmp_path / name)
    (tmp_path / "labels.json").write_text(json.dumps(coco()))
    with pytest.raises(DataError, match=r"may be in .*one and .*two\. Name it in a \.yaml"):
        read(tmp_path / "labels.json")
    (tmp_path / "data.yaml").write_text("train: {labels: labels.json, images: two}\n")
    assert read(tmp_path / "data.yaml").images.root == tmp_path / "two"


def test_a_folder_of_fiftyone_is_taken(tmp_path: Path) -> None:
    pictures(tmp_path / "data")
    (tmp_path / "labels.json").write_text(json.dumps(coco()))
    assert len(read(tmp_path).objects) == 3


def test_a_file_of_each_part_may_lie_beside_the_images(tmp_path: Path) -> None:
    pictures(tmp_path / "images")
    for part in ("train", "valid"):
        (tmp_path / f"{part}.json").write_text(json.dumps(coco()))
    assert {name: part.labels.name for name, part in parts_of(tmp_path).items()} == {
        "train": "train.json",
        "val": "valid.json",
    }


def test_a_turned_picture_is_named_with_its_labels(tmp_path: Path) -> None:
    file = changed(tmp_path, lambda c: c["annotations"][0].update(bbox=[10, 5, 80, 10]))
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (60, 40)).save(tmp_path / "train" / "a.png", exif=turned)
    [problem] = read(file).problems
    assert "the image has 40 x 60 (turned by its EXIF orientation: the labels are" in problem.reason
