"""Label maps, boxes, masks and values of items say what files of them say."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_array_equal
from PIL import Image
from torch.testing import assert_close
from torchvision.tv_tensors import BoundingBoxes

from data.items.things import Drawing, Pairs, noise
from fcmae.data.feed import Feed
from fcmae.data.image import UnusableImage
from fcmae.data.image_list import ImageList
from fcmae.data.normalisation import Normalisation
from fcmae.data.objects.find import evaluation_objects, split_objects
from fcmae.data.objects.rle import decode, runs_of
from fcmae.data.objects.table import Objects
from fcmae.data.objects.views import LargeScaleJitter
from fcmae.data.options import Loader, SceneAugment
from fcmae.data.segments.find import evaluation_segments, meant, split_segments
from fcmae.data.segments.options import LabelMapOptions
from fcmae.data.segments.views import SegmentationCrop
from fcmae.data.source import ImageData
from fcmae.data.values import values_of
from fcmae.data.values_find import evaluation_values, split_values
from fcmae.errors import DataError
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)

IMAGES = noise(10)
SIZE = IMAGES.shape[1:3]
MAPS = np.random.default_rng(1).choice([0, 1, 2, 255], (10, *SIZE)).astype(np.uint8)
NAMES = ["road", "tree", "sky"]
MEANT = LabelMapOptions()


def batch_of(images: ImageList, view: Any, workers: int = 0) -> Any:
    feed = Feed(images, view, seed=3, loader=Loader(workers=workers), channels=3)
    return next(feed.batches(first_step=0, last_step=1, batch_size=4, micro_batch=4))


def folder_of_maps(folder: Path) -> Path:
    for name, arrays in (("images", IMAGES), ("masks", MAPS)):
        (folder / name).mkdir()
        for number, array in enumerate(arrays):
            Image.fromarray(array).save(folder / name / f"{number:02}.png")
    (folder / "classes.txt").write_text("\n".join(NAMES))
    return folder


def map_forms(folder: Path) -> dict[str, Any]:
    folder_of_maps(folder)
    held = {
        "array": MAPS,
        "tensor": torch.from_numpy(MAPS.astype(np.int64)),
        "Pillow": [Image.fromarray(one) for one in MAPS],
        "files": sorted((folder / "masks").iterdir()),
        "a channel": MAPS[:, None].astype(np.uint16),
    }
    data = {form: ImageData(IMAGES, label_maps=maps, classes=NAMES) for form, maps in held.items()}
    return data | {"data set": ImageData(Pairs(IMAGES, MAPS), classes=NAMES)}


@pytest.mark.parametrize("form", ["array", "tensor", "Pillow", "files", "a channel", "data set"])
def test_label_maps_in_any_form_make_the_views_of_files(form: str, tmp_path: Path) -> None:
    found, _ = split_segments(map_forms(tmp_path)[form], None, MEANT, share=0.2)
    assert found.classes == ("road", "tree", "sky")
    files = evaluation_segments(tmp_path, MEANT)
    expected = files.subset(found.store.indices)
    one, other = (batch_of(images, SegmentationCrop((16, 16))) for images in (found, expected))
    assert torch.equal(one.images, other.images)
    assert torch.equal(one.targets.values["mask"], other.targets.values["mask"])


def test_image_and_label_map_come_from_one_reading() -> None:
    source = ImageData(Drawing(8), classes=[str(number) for number in range(200)])
    images = evaluation_segments(source, MEANT)
    view = SegmentationCrop((16, 16), SceneAugment(scale=(1.0, 1.0), colour=False))
    batch = batch_of(images, view)
    shown = Normalisation.of(Loader(), 3).undo(batch.images)[:, 0] * 255
    assert_close(batch.targets.values["mask"].reshape(shown.shape).float(), shown)
    assert len(shown.round().unique()) == 4
    first, second = batch_of(images, view), batch_of(images, view, 2)
    assert torch.equal(first.targets.values["mask"], second.targets.values["mask"])


def test_label_maps_mean_what_options_say() -> None:
    source = ImageData(IMAGES, label_maps=MAPS, classes=["tree", "sky"])
    found = evaluation_segments(source, LabelMapOptions(reduce_zero_label=True))
    mask = found.annotations.read(0, SIZE)["mask"]
    expected = np.where(MAPS[0] == 255, -1, MAPS[0].astype(int) - 1)
    assert_array_equal(mask, expected)
    assert meant(found).ignore_index == 255


def test_a_models_names_number_label_maps_without_any() -> None:
    found = evaluation_segments(Pairs(IMAGES, MAPS), MEANT, NAMES)
    assert found.classes == tuple(NAMES)
    turned = ImageData(IMAGES, label_maps=MAPS, classes=NAMES)
    assert evaluation_segments(turned, MEANT, NAMES[::-1]).annotations.table[0] == 2


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (MAPS[0] + np.float32(0.5), "its mask: its pixels are floating-point numbers such as"),
        (MAPS[0][:9], "its mask: it has 9 x 30 pixels, but its image 20 x 30"),
        (
            MAPS[0] // 255 + np.uint8(3),
            "its mask: 600 pixels have the number 3, 4, but the",
        ),
        ("seven", "its mask seven: there is no such file"),
        ([1, 2], "its mask: a label map is an array, tensor or image of whole numbers h w"),
        (np.zeros((2, *SIZE), np.uint8), "a label map has height and width, but this one has"),
    ],
)
def test_what_is_wrong_with_a_label_map_is_told(bad: Any, reason: str) -> None:
    source = ImageData(IMAGES[:1], label_maps=[bad], classes=NAMES)
    with pytest.raises(UnusableImage) as error:
        evaluation_segments(source, MEANT).annotations.read(0, SIZE)
    assert reason in error.value.reason


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (IMAGES, "item 0 of the data set has no label map: give fcmae.ImageData(images, label"),
        (Pairs(IMAGES, MAPS), "nothing names the classes of the data set Pairs of 10 images"),
        (ImageData(IMAGES, label_maps=MAPS, classes=["one"]), "names 1 classes, but two is the"),
        (ImageData(IMAGES, label_maps=MAPS, classes={1: "a", 2: "b"}), "have the numbers [1, 2]"),
        (["a.png", "b.png"], "label maps need one folder or file, but got 2 paths"),
    ],
)
def test_images_without_label_maps_are_refused_in_a_line(source: Any, words: str) -> None:
    with pytest.raises(DataError) as error:
        split_segments(source, None, MEANT, share=0.2)
    assert words in str(error.value)


def test_a_change_of_a_label_map_changes_the_fingerprint() -> None:
    def fingerprint(maps: Any) -> str:
        data = ImageData(IMAGES, label_maps=maps, classes=NAMES)
        return evaluation_segments(data, MEANT).fingerprint()

    other = MAPS.copy()
    other[4, 0, 0] = (other[4, 0, 0] + 1) % 3
    assert fingerprint(MAPS) == fingerprint(torch.from_numpy(MAPS)) != fingerprint(other)


BOXES = [np.array([[2.0, 3.0, 12.0, 15.0], [5.0, 1.0, 9.0, 6.0]])] * 9 + [np.zeros((0, 4))]
LABELS = [np.array([7, 2])] * 9 + [np.zeros(0, np.int64)]


def masks() -> list[np.ndarray]:
    found = []
    for boxes in BOXES:
        one = np.zeros((len(boxes), *SIZE), np.bool_)
        for mask, (left, top, right, bottom) in zip(one, boxes.astype(int), strict=True):
            mask[top:bottom, left:right] = True
        found.append(one)
    return found


def targets(change: Callable[[Any], Any] = torch.from_numpy) -> list[dict[str, Any]]:
    return [
        {"boxes": change(boxes), "labels": change(labels), "masks": change(mask)}
        for boxes, labels, mask in zip(BOXES, LABELS, masks(), strict=True)
    ]


def objects_of(images: ImageList) -> Objects:
    assert isinstance(images.annotations, Objects)
    return images.annotations


OBJECT_FORMS = {
    "given": ImageData(IMAGES, boxes=BOXES, labels=LABELS, masks=masks()),
    "masks alone": ImageData(IMAGES, labels=LABELS, masks=masks()),
    "data set": Pairs(IMAGES, targets()),
    "arrays": Pairs(IMAGES, targets(lambda array: array)),
    "tv_tensors": Pairs(
        IMAGES,
        [
            {
                **one,
                "boxes": BoundingBoxes(one["boxes"], format="XYXY", canvas_size=SIZE),
            }
            for one in targets()
        ],
    ),
}


@pytest.mark.parametrize("form", OBJECT_FORMS)
def test_objects_in_any_form_are_one_table(form: str) -> None:
    found = evaluation_objects(OBJECT_FORMS[form], ["2", "7"])
    objects = objects_of(found.images)
    assert not found.problems
    assert found.images.classes == ("2", "7")
    assert objects.class_ids.tolist() == [2, 7]
    assert_array_equal(objects.boxes, np.concatenate(BOXES))
    assert_array_equal(objects.classes, [1, 0] * 9)
    assert objects.sizes.tolist() == [list(SIZE)] * 10
    assert list(objects.of_image(9)) == []
    outline = json.loads(objects.outline(1))
    assert_array_equal(decode(runs_of(outline), SIZE), masks()[0][1])


def test_objects_without_masks_have_boxes_only() -> None:
    train, val = split_objects(ImageData(IMAGES, boxes=BOXES, labels=[["a", "b"]] * 9 + [[]]))
    assert train.images.classes == ("a", "b")
    assert not train.objects.outlined
    assert len(train.images) + len(val.images) == 10
    batch = batch_of(train.images, LargeScaleJitter((32, 32)))
    assert {"boxes", "labels", "fitted"} <= batch.targets.values.keys()


def test_crowds_are_known_as_such() -> None:
    crowded = [{**one, "iscrowd": torch.tensor([1, 0])} for one in targets()[:1]]
    objects = objects_of(evaluation_objects(Pairs(IMAGES[:1], crowded), ["2", "7"]).images)
    assert objects.crowd.tolist() == [True, False]


def test_wrong_boxes_are_problems_and_the_others_stay() -> None:
    boxes = [np.array([[2.0, 3.0, 2.0, 15.0], [5.0, 1.0, 99.0, 6.0], [5.0, 1.0, 9.0, 6.0]])]
    found = evaluation_objects(ImageData(IMAGES[:1], boxes=boxes, labels=[[0, 0, 0]]), ["0"])
    assert [str(problem) for problem in found.problems] == [
        "the data set, item 0: object 0: its box from (2, 3) to (2, 15) has no area",
        "the data set, item 0: object 1: its box from (5, 1) to (99, 6) leaves the image of 30 x "
        "20 pixels (width x height)",
    ]
    assert len(found.objects) == 1


def test_masks_of_another_size_are_a_problem() -> None:
    data = ImageData(IMAGES[:2], masks=[np.ones((1, 9, 9), np.bool_)] * 2, labels=[[0]] * 2)
    found = evaluation_objects(data, [])
    assert "its masks have 9 x 9 pixels, but the image 20 x 30" in str(found.problems[0])


def broken(index: int) -> None:
    if index == 1:
        raise OSError("gone")


def test_an_item_that_raises_is_an_image_without_objects_that_cannot_be_used() -> None:
    found = evaluation_objects(Pairs(IMAGES, targets(), broken), ["2", "7"])
    assert list(found.objects.of_image(1)) == []
    with pytest.raises(UnusableImage, match="item 1 of the data set: reading it raised OSError"):
        found.images.store.open(1)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (IMAGES, "item 0 of the data set has no objects: give fcmae.ImageData(images, boxes=..."),
        (Pairs(IMAGES, [3] * 10), "item 0 of the data set has no objects"),
        (ImageData(IMAGES, boxes=BOXES), "has objects without labels"),
        (ImageData(IMAGES, boxes=BOXES, labels=[[0]] * 10), "has 2 boxes and 1 labels: give one"),
        (ImageData(IMAGES, boxes=[np.ones((2, 5))] * 10, labels=LABELS), "of the shape (2, 5)"),
        (ImageData(IMAGES, boxes=[np.full((2, 4), np.nan)] * 10, labels=LABELS), "boxes with NaN"),
        (ImageData(IMAGES, boxes=BOXES, labels=[[-1, 0]] * 10), "has the label -1, but a class is"),
        (["a", "b"], "labels of objects need one folder or file, but got 2 paths"),
    ],
)
def test_images_without_objects_are_refused_in_a_line(source: Any, words: str) -> None:
    with pytest.raises(DataError) as error:
        split_objects(source)
    assert words in str(error.value)


def test_boxes_of_another_form_are_refused() -> None:
    boxes = BoundingBoxes([[1, 2, 3, 4]], format="XYWH", canvas_size=SIZE)
    with pytest.raises(DataError, match="boxes in the form XYWH, but must have them as XYXY"):
        split_objects(Pairs(IMAGES, [{"boxes": boxes, "labels": torch.tensor([0])}] * 10))


AREAS = np.linspace(0, 9, 10)
VALUE_FORMS = {
    "columns": ImageData(IMAGES, values={"area": AREAS, "age": AREAS * 2}),
    "matrix": ImageData(IMAGES, values=np.stack([AREAS, AREAS * 2], 1), classes=["area", "age"]),
    "dicts": Pairs(IMAGES, [{"area": a, "age": torch.tensor(2 * a)} for a in AREAS]),
    "vectors": ImageData(
        Pairs(IMAGES, [torch.tensor([a, 2 * a]) for a in AREAS]), classes=["area", "age"]
    ),
}


@pytest.mark.parametrize("form", VALUE_FORMS)
def test_values_in_any_form_are_one_table(form: str) -> None:
    images = evaluation_values(VALUE_FORMS[form], "numbers", ("area", "age"))
    assert images.classes == ("area", "age")
    assert values_of(images).kind == "numbers"
    assert_array_equal(values_of(images).table, np.stack([AREAS, AREAS * 2], 1).astype("f4"))


def test_a_number_per_image_is_a_value_and_truth_values_are_labels() -> None:
    train, val = split_values(ImageData(IMAGES, values=AREAS), None, None, share=0.2)
    assert (train.classes, len(train), len(val)) == (("value",), 8, 2)
    assert values_of(train).kind == "numbers"
    truths = Pairs(IMAGES, [{"sea": i % 2 > 0, "sun": float(i > 4)} for i in range(10)])
    train, val = split_values(truths, Pairs(IMAGES, [{"sun": 1.0}] * 10), None, share=0.2)
    assert values_of(train).kind == values_of(val).kind == "labels"
    assert_array_equal(values_of(val).table[0], [np.nan, 1])


def test_an_item_that_raises_has_no_values() -> None:
    whole = evaluation_values(Pairs(IMAGES, list(AREAS), broken), "numbers", ("value",))
    assert np.flatnonzero(np.isnan(values_of(whole).table[:, 0])).tolist() == [1]
    with pytest.raises(UnusableImage, match="reading it raised OSError: gone"):
        whole.store.open(1)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (IMAGES, "item 0 of the data set has no values: give fcmae.ImageData(images, values={"),
        (ImageData(IMAGES, values={"a": [1, 2]}), "the values a have the shape (2,), but there"),
        (ImageData(IMAGES, values=np.ones((9, 2))), "values have the shape (9, 2), but there are"),
        (ImageData(IMAGES, values={"a": ["x"] * 10}), "a must be numbers, but is"),
        (ImageData(IMAGES, values=[np.inf] * 10), "item 0 of the data set: value is inf, but must"),
        (ImageData(IMAGES, values=[np.nan] * 10), "holds no value"),
        (ImageData(IMAGES, values={"a": AREAS, "b": AREAS > 4}), "the columns must be all labels"),
        (Pairs(IMAGES, [[1.0]] * 9 + [[1.0, 2.0]]), "have targets of several forms"),
        (ImageData(IMAGES, values=AREAS, classes=["a", "b"]), "classes names 2 values, but there"),
        (["a", "b"], "several labels or numbers need one folder or file, but got 2 paths"),
    ],
)
def test_images_without_values_are_refused_in_a_line(source: Any, words: str) -> None:
    with pytest.raises(DataError) as error:
        split_values(source, None, None, share=0.2)
    assert words in str(error.value)


def test_numbers_where_labels_are_asked_for_are_refused() -> None:
    with pytest.raises(DataError, match="item 2 of the data set: value is 2, but a label is 0 or"):
        split_values(ImageData(IMAGES, values=AREAS), None, "labels", share=0.2)
