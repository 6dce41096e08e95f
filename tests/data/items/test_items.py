"""Images from Python are trained on like files: same views, order, resume and errors."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close
from torch.utils.data import Subset, TensorDataset

from data.items.things import Drawing, Pairs, Pixels, noise, png_folder
from fcmae.data.augment import EvaluationView, Pretraining, Supervised, View
from fcmae.data.batch import Batch
from fcmae.data.check import check
from fcmae.data.feed import Feed, evaluation_batches
from fcmae.data.listing import ImageList, find_images, split
from fcmae.data.options import Loader
from fcmae.data.samples import Samples
from fcmae.data.source import ImageData
from fcmae.errors import DataError
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)
SIZE = (16, 24)


def feed(images: ImageList, view: View | None = None, *, workers: int = 0) -> Feed:
    loader = Loader(workers=workers)
    return Feed(images, view or Pretraining(SIZE), seed=5, loader=loader, channels=3)


def run(source: Feed, first_step: int = 0, last_step: int = 6, **changes: int) -> list[Batch]:
    settings = {"batch_size": 4, "micro_batch": 4} | changes
    return list(source.batches(first_step=first_step, last_step=last_step, **settings))


def assert_same(actual: list[Batch], expected: list[Batch]) -> None:
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        for name in ("images", "indices", "labels"):
            assert_close(getattr(one, name), getattr(other, name), rtol=0, atol=0)
        assert (one.epoch, one.unusable) == (other.epoch, other.unusable)


@pytest.mark.parametrize("view", [Pretraining(SIZE), Supervised(SIZE)], ids=["crop", "augment"])
def test_an_array_gives_the_batches_of_the_same_images_in_a_folder(
    view: View, tmp_path: Path
) -> None:
    images = noise(12)
    expected = run(feed(find_images(png_folder(images, tmp_path), labels=False), view))
    assert_same(run(feed(find_images(images), view)), expected)


def forms(images: Pixels, folder: Path) -> dict[str, Any]:
    """The same images, as different things hold them."""
    paths = sorted(png_folder(images, folder).rglob("*.png"))
    tensors = torch.from_numpy(images).permute(0, 3, 1, 2)
    mixed = [images[0], Image.fromarray(images[1]), str(paths[2]), paths[3], tensors[4]]
    return {
        "tensor": tensors,
        "arrays": list(images),
        "mixed": [*mixed, *images[5:]],
        "data set": Pairs(images, range(12)),
        "tensor data set": TensorDataset(tensors),
    }


@pytest.mark.parametrize("form", ["tensor", "arrays", "mixed", "data set", "tensor data set"])
def test_whatever_holds_the_images_the_batches_are_the_same(form: str, tmp_path: Path) -> None:
    images = noise(12)
    found = run(feed(find_images(forms(images, tmp_path)[form], labels=False)))
    assert_same(found, run(feed(find_images(images))))


def test_white_is_one_in_floats_and_65535_in_16_bits() -> None:
    images = noise(2)
    for other in (images / 255, images.astype(np.float32) / 255, images.astype(np.uint16) * 257):
        picture = find_images(other).store.open(1)
        assert picture.dtype == np.float32
        np.testing.assert_allclose(picture, images[1] / 255, atol=1e-6)


def test_grey_images_need_no_channel() -> None:
    grey = noise(8, channels=1)
    found, expected = (run(feed(find_images(x)), last_step=2) for x in (grey[..., 0], grey))
    assert_same(found, expected)


def test_masks_of_truth_values_are_black_and_white() -> None:
    truth = noise(8)[..., 0] > 127
    found = run(feed(find_images(truth)), last_step=2)
    assert_same(found, run(feed(find_images(truth.astype(np.uint8) * 255)), last_step=2))


@pytest.mark.parametrize("source", [noise(12), Drawing(12)], ids=["array", "drawing"])
def test_batches_depend_neither_on_workers_nor_on_where_a_run_began(source: Any) -> None:
    images = find_images(source, labels=False)
    expected = run(feed(images))
    assert_same(run(feed(images, workers=2)), expected)
    assert_same(run(feed(images, workers=1), first_step=4), expected[4:])


def test_two_processes_see_what_one_sees() -> None:
    images = find_images(noise(12))
    parts = [run(feed(images), rank=rank, world=2) for rank in (0, 1)]
    for step, batch in enumerate(run(feed(images))):
        joined = torch.cat([part[step].images for part in parts])
        assert_close(joined, batch.images, rtol=0, atol=0)


def test_what_a_data_set_draws_is_drawn_anew_in_every_epoch() -> None:
    epochs = run(feed(find_images(Drawing(8), labels=False)), last_step=4)
    values = [batch.images[:, 0, 0, 0] for batch in epochs]
    first, second = torch.cat(values[:2]), torch.cat(values[2:])
    assert len(first.unique()) > 4
    assert not torch.equal(first.sort().values, second.sort().values)


def test_a_processs_copy_reads_the_same() -> None:
    images = find_images((noise(12), [0, 1] * 6))
    samples = Samples(images, Supervised(SIZE), seed=1, loader=Loader(), channels=3, replacing=True)
    copy = pickle.loads(pickle.dumps(samples))
    keys = [(0, index, 0) for index in range(12)]
    assert_same([copy.__getitems__(keys)], [samples.__getitems__(keys)])


def test_an_array_is_not_copied_for_its_parts() -> None:
    images = noise(12)
    train, val = split((images, [0, 1] * 6))
    for part in (train, val):
        assert np.shares_memory(part.store.open(0), images)


class Broken(Pairs):
    """Of whose items some raise, are of other channels, or hold NaN."""

    def __getitem__(self, index: int) -> Any:
        if index == 3:
            raise KeyError("patient 3")
        if index == 5:
            return np.zeros((9, 9, 7), np.uint8), 0
        if index == 7:
            return np.full((9, 9, 3), np.nan), 0
        return super().__getitem__(index)


REASONS = {
    "item 3": "reading it raised KeyError: 'patient 3'",
    "item 5": "the number of its channels is 7, but the model takes 3",
    "item 7": "all of its pixels are missing (NaN or nodata)",
}


@pytest.mark.parametrize("workers", [0, 2])
def test_unusable_items_are_replaced_and_named(workers: int) -> None:
    images = find_images(Broken(noise(40), [0] * 40), labels=False)
    source = feed(images, workers=workers)
    batches = run(source, last_step=10)
    assert all(len(batch) == 4 for batch in batches)
    assert source.unusable.files == REASONS


def test_where_nothing_is_replaced_unusable_items_are_left_out() -> None:
    images = find_images(Broken(noise(12), [0] * 12), labels=False)
    batches = list(
        evaluation_batches(images, EvaluationView(SIZE), loader=Loader(), channels=3, batch_size=12)
    )
    assert sum(map(len, batches)) == 9
    assert dict(file for batch in batches for file in batch.unusable) == REASONS


def test_too_many_unusable_items_end_the_run() -> None:
    images = find_images([np.zeros((9, 9, 7), np.uint8)] * 8 + list(noise(4)))
    with pytest.raises(DataError, match=r"files cannot be used|are unusable too"):
        run(feed(images), last_step=6)


def test_check_names_unusable_items() -> None:
    report = check(find_images(Broken(noise(12), [0] * 12), labels=False), loader=Loader(workers=0))
    assert report.usable == 10  # without a model, seven channels are as good as any
    assert dict(report.unusable) == {k: v for k, v in REASONS.items() if k != "item 5"}


def test_the_fingerprint_is_of_pixels_not_of_what_holds_them(tmp_path: Path) -> None:
    images = noise(12)
    held = forms(images, tmp_path)
    expected = find_images(images).fingerprint()
    for form in ("tensor", "arrays", "mixed", "data set"):
        assert find_images(held[form], labels=False).fingerprint() == expected


def test_the_fingerprint_changes_with_pixels_order_number_and_labels() -> None:
    images = noise(12)
    other = images.copy()
    other[7, 3, 3, 1] ^= 1
    changed = [
        find_images(images),
        find_images(other),
        find_images(images[::-1]),
        find_images(images[:11]),
        find_images((images, [0, 1] * 6)),
        find_images((images, [1, 0] * 6)),
        find_images(ImageData(images, labels=[0, 1] * 6, classes=["cat", "dog"])),
    ]
    assert len({found.fingerprint() for found in changed}) == len(changed)
    train, val = split((images, [0, 1] * 6))
    assert train.fingerprint() != val.fingerprint()


def test_parts_of_equal_images_are_told_apart() -> None:
    images = find_images(np.zeros((4, 8, 8, 3), np.uint8))
    parts = [images.subset(np.array(chosen)) for chosen in ([0, 1], [0, 2], [1, 0])]
    assert len({part.fingerprint() for part in parts}) == 3


def test_of_large_items_fewer_are_fingerprinted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fcmae.data.items.store.SAMPLED_BYTES", 3000)
    source = Pairs(noise(8), [0] * 8)
    find_images(source, labels=False).fingerprint()
    assert len(source.read) == 2  # of 1,800 bytes each


def test_of_many_items_a_sample_is_fingerprinted() -> None:
    source = Pairs(noise(400, side=2), [0] * 400)
    found = find_images(source, labels=False)
    found.fingerprint()
    assert len(source.read) == len(set(source.read)) == 256


def test_names_decide_what_is_held_out_as_those_of_files_do(tmp_path: Path) -> None:
    images = noise(20)
    folder = find_images(png_folder(images, tmp_path, classes=2))
    names = [folder.name(i) for i in range(20)]
    data = ImageData(images, labels=folder.labels, classes=folder.classes, names=names)
    for one, other in zip(split(data), split(tmp_path), strict=True):
        assert [one.name(i) for i in range(len(one))] == [other.name(i) for i in range(len(other))]
        assert one.labels is not None
        assert np.array_equal(one.labels, other.labels)


def test_a_part_of_a_data_set_is_one() -> None:
    images = noise(12)
    part = Subset(Pairs(images, [4, 9] * 6), [8, 2, 5])
    found = find_images(part, labels=True)
    assert found.classes == ("4", "9")
    assert found.labels is not None
    assert found.labels.tolist() == [0, 0, 1]
    assert np.array_equal(found.store.open(0), images[8])


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((0, 8, 8, 3), np.uint8), "there are no images in the ndarray 0 x 8 x 8 x 3"),
        (np.zeros((64, 64, 3), np.uint8), "as a single image has: give it as images[None]"),
        (np.zeros((4, 3, 64, 64), np.uint8), "give images.transpose(0, 2, 3, 1)"),
        (torch.zeros(4, 64, 64, 3), "give images.permute(0, 3, 1, 2)"),
        (torch.zeros(3, 64, 64), "as a single image has: give it as images[None]; grey images as"),
        (np.zeros(7), "but this one has the shape (7,)"),
        ([], "there are no images in a list of 0 images"),
        (7, "these are of type int"),
        (iter([1]), "the list_iterator has no items by number"),
    ],
)
def test_what_is_no_images_is_refused_in_a_line(images: Any, words: str) -> None:
    with pytest.raises(DataError) as error:
        find_images(images)
    assert words in str(error.value)
