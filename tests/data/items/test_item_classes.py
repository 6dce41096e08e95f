"""Classes of items: given, told by a data set, or read from its items."""

from typing import Any

import numpy as np
import pytest
import torch

from data.items.things import Pairs, noise
from fcmae.data.augment import Pretraining
from fcmae.data.feed import Feed
from fcmae.data.held_out import few_labels
from fcmae.data.image import UnusableImage
from fcmae.data.image_list import UNKNOWN, ImageList
from fcmae.data.listing import find_images, split
from fcmae.data.options import Loader
from fcmae.data.source import ImageData
from fcmae.errors import DataError

IMAGES = noise(6, side=8)
NUMBERS = [3, 1, 3, 1, 3, 1]


def labelled(labels: Any, classes: Any = None) -> ImageList:
    return find_images(ImageData(IMAGES, labels=labels, classes=classes), labels=True)


@pytest.mark.parametrize(
    "labels",
    [NUMBERS, np.array(NUMBERS), torch.tensor(NUMBERS), [torch.tensor(n) for n in NUMBERS]],
    ids=["list", "array", "tensor", "tensors"],
)
def test_numbers_that_occur_are_the_classes(labels: Any) -> None:
    found = labelled(labels)
    assert found.classes == ("1", "3")
    assert found.labels is not None
    assert found.labels.tolist() == [1, 0, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("labels", "classes", "names", "first"),
    [
        (["dog", "cat", "10", "9", "cat", "dog"], None, ("cat", "dog", "9", "10"), 1),
        (NUMBERS, ["a", "b", "c", "d"], ("a", "b", "c", "d"), 3),
        (NUMBERS, {3: "three", 1: "one"}, ("one", "three"), 1),
        (["b"] * 6, ["a", "b"], ("a", "b"), 1),
    ],
)
def test_names_are_given_or_the_labels_themselves(
    labels: Any, classes: Any, names: tuple[str, ...], first: int
) -> None:
    found = labelled(labels, classes)
    assert found.classes == names
    assert found.label(0) == first


@pytest.mark.parametrize(
    ("labels", "classes", "words"),
    [
        (NUMBERS, ["a", "b"], "there is a class 3, but the classes are a, b, with numbers from 0"),
        ([1, 2] * 3, ["a", "b"], "numbers begin at 0, or give classes={1: ...}"),
        (["x"] * 6, ["a", "b"], "there is a class 'x', but the classes are a, b"),
        ([1, "a"] * 3, None, "some classes are numbers and some are names"),
        (NUMBERS, {1: "a", 3: "a"}, "two classes have one name"),
        ([0.5] * 6, None, "item 0 of the data set has the target 0.5, but needs a class"),
        ([-1] * 6, None, "item 0 of the data set has the target -1, but needs a class"),
        (None, None, "item 0 of the data set has no target, but needs a class: give fcmae.Image"),
    ],
)
def test_what_is_no_class_is_refused_in_a_line(labels: Any, classes: Any, words: str) -> None:
    with pytest.raises(DataError) as error:
        labelled(labels, classes)
    assert words in str(error.value)


def test_labels_of_another_number_are_refused() -> None:
    with pytest.raises(ValueError, match="labels has 2 entries, but there are 6 images: give one"):
        ImageData(IMAGES, labels=[0, 1])


def test_targets_that_a_data_set_tells_spare_reading_its_items() -> None:
    numbers = [1, 3] * 100
    source = Pairs(noise(200, side=8), numbers)
    source.targets = numbers
    found = find_images(source, labels=True)
    assert found.classes == ("1", "3")
    assert {0, 199} <= set(source.read)
    assert len(set(source.read)) <= 34


def test_targets_that_the_items_contradict_are_not_believed() -> None:
    source = Pairs(IMAGES, ["x", "y"] * 3)
    source.targets = NUMBERS
    assert find_images(source, labels=True).classes == ("x", "y")


def test_classes_that_a_data_set_names_are_taken() -> None:
    source = Pairs(IMAGES, NUMBERS)
    source.classes = ["a", "b", "c", "d"]
    assert find_images(source, labels=True).classes == ("a", "b", "c", "d")
    named = ImageData(source, classes={1: "one", 3: "three"})
    assert find_images(named, labels=True).classes == ("one", "three")


def test_without_being_asked_for_classes_are_taken_where_all_have_one() -> None:
    assert find_images(Pairs(IMAGES, NUMBERS)).classes == ("1", "3")
    assert find_images(Pairs(IMAGES, [*NUMBERS[:5], None])).labels is None
    assert find_images(IMAGES).labels is None


def test_an_item_that_raises_has_no_class_and_is_replaced() -> None:
    def fails(index: int) -> None:
        if index == 2:
            raise OSError("gone")

    images = find_images(Pairs(noise(12, side=8), [0, 1] * 6, fails), labels=True)
    assert images.label(2) == UNKNOWN
    train, val = split(Pairs(noise(12, side=8), [0, 1] * 6, fails))
    assert "item 2" in [train.name(i) for i in range(len(train))]
    assert len(val) == 2
    assert UNKNOWN not in few_labels(images, 2, seed=0).labels
    assert images.with_classes(["1", "0"]).label(2) == UNKNOWN
    feed = Feed(images, Pretraining((8, 8)), seed=0, loader=Loader(workers=0), channels=3)
    labels = [
        batch.labels
        for batch in feed.batches(first_step=0, last_step=3, batch_size=4, micro_batch=4)
    ]
    assert UNKNOWN not in torch.cat(labels)
    assert feed.unusable.files == {"item 2": "reading it raised OSError: gone"}


def test_an_item_whose_class_could_not_be_read_stays_unusable() -> None:
    failures = [2]

    def fails_once(index: int) -> None:
        if index in failures:
            failures.remove(index)
            raise OSError("busy")

    images = find_images(Pairs(IMAGES, NUMBERS, fails_once), labels=True)
    with pytest.raises(UnusableImage, match="item 2 of the data set: reading it raised OSError"):
        images.store.open(2)


def test_many_items_are_read_by_other_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcmae.data.items.scan.MANY", 4)
    monkeypatch.setattr("fcmae.data.items.scan.CHUNK", 2)
    source = Pairs(IMAGES, NUMBERS)
    found = find_images(source, labels=True, loader=Loader(workers=2))
    assert found.labels is not None
    assert found.labels.tolist() == [1, 0, 1, 0, 1, 0]
    assert source.read == []  # but by others


def test_images_to_validate_on_have_the_classes_of_those_to_train_on() -> None:
    train, val = split((IMAGES, NUMBERS), (IMAGES[:2], [3, 3]))
    assert val.classes == train.classes == ("1", "3")
    assert val.label(0) == 1
    with pytest.raises(DataError, match="the data set has classes that the model does not know: 7"):
        split((IMAGES, NUMBERS), (IMAGES[:2], [3, 7]))
    with pytest.raises(DataError, match="a list of 6 images with labels has a single class"):
        split((list(IMAGES), [0] * 6))


class Merging(Pairs):
    """A data set that tells labels, and gives others."""

    def __init__(self, **more: Any) -> None:
        super().__init__(noise(40), list(range(40)))
        self.targets = list(range(40))
        self.__dict__.update(more)

    def __getitem__(self, index: int) -> Any:
        image, label = super().__getitem__(index)
        return image, 0 if label == 20 else label


@pytest.mark.parametrize("more", [{"target_transform": abs}, {}])
def test_labels_that_a_data_set_changes_on_the_way_are_read_from_its_items(
    more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    if not more:  # what is told is compared with more than the first and the last item
        monkeypatch.setattr("fcmae.data.items.classes.COMPARED", 40)
    found = find_images(Merging(**more), labels=True)
    assert found.labels is not None
    assert found.classes is not None
    assert "20" not in found.classes
    assert found.labels[20] == found.labels[0]
