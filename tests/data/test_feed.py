"""Batches are functions of seed and step: not of workers, processes, or where a run began."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from fcmae.data import image_store
from fcmae.data.augment import EvaluationView, Pretraining, Supervised, View
from fcmae.data.batch import Batch
from fcmae.data.feed import Feed, evaluation_batches
from fcmae.data.listing import ImageList, find_images
from fcmae.data.options import Loader
from fcmae.errors import DataError
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)
Make = Callable[..., Path]
SIZE = (16, 24)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Twelve pictures of noise in two classes."""
    random = np.random.default_rng(0)
    for number in range(12):
        path = tmp_path / "ab"[number % 2] / f"{number:02}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(random.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(path)
    return tmp_path


def feed(images: ImageList, view: View | None = None, *, workers: int = 0, **changes: int) -> Feed:
    settings = {"seed": 5, "channels": 3} | changes
    return Feed(images, view or Pretraining(SIZE), loader=Loader(workers=workers), **settings)


def run(source: Feed, first_step: int = 0, last_step: int = 8, **changes: int) -> list[Batch]:
    settings = {"batch_size": 4, "micro_batch": 4} | changes
    return list(source.batches(first_step=first_step, last_step=last_step, **settings))


def assert_same(actual: list[Batch], expected: list[Batch]) -> None:
    assert len(actual) == len(expected)
    for one, other in zip(actual, expected, strict=True):
        for name in ("images", "indices", "repeats", "labels"):
            assert_close(getattr(one, name), getattr(other, name), rtol=0, atol=0)
        assert (one.epoch, one.unusable) == (other.epoch, other.unusable)


@pytest.mark.parametrize("view", [Pretraining(SIZE), Supervised(SIZE)], ids=["crop", "augment"])
def test_batches_do_not_depend_on_workers_nor_on_where_a_run_began(
    view: View, folder: Path
) -> None:
    images = find_images(folder)
    expected = run(feed(images, view, repeats=2))
    assert_same(run(feed(images, view, repeats=2, workers=2)), expected)
    assert_same(run(feed(images, view, repeats=2, workers=1), first_step=5), expected[5:])


def test_two_processes_see_the_views_that_one_sees(folder: Path) -> None:
    images = find_images(folder)
    alone = run(feed(images))
    parts = [run(feed(images), rank=rank, world=2, micro_batch=1) for rank in (0, 1)]
    for step, batch in enumerate(alone):
        halves = [part[2 * step : 2 * step + 2] for part in parts]
        joined = torch.cat([micro.images for half in halves for micro in half])
        assert_close(joined, batch.images, rtol=0, atol=0)


def test_views_differ_between_epochs_repeats_images_and_seeds(folder: Path) -> None:
    images = find_images(folder)
    batches = run(feed(images, repeats=2), last_step=12)
    views = torch.cat([batch.images for batch in batches]).flatten(1)
    assert {batch.epoch for batch in batches} == {0, 1}
    assert len(views.unique(dim=0)) == len(views) == 48
    other = run(feed(images, repeats=2, seed=6), last_step=1)[0].images
    assert not torch.equal(other, batches[0].images)


def test_a_batch_says_what_it_holds(folder: Path) -> None:
    images = find_images(folder)
    batch = run(feed(images, repeats=2))[0]
    assert batch.images.shape == (4, 3, *SIZE)
    assert batch.images.dtype == torch.float32
    assert batch.repeats.tolist() == [0, 1, 0, 1]
    assert batch.labels is not None
    assert batch.labels.tolist() == [images.label(index) for index in batch.indices.tolist()]


def test_the_views_of_an_image_decode_it_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    decode = image_store.open_for
    monkeypatch.setattr(
        image_store,
        "open_for",
        lambda aim, path, **rest: opened.append(path) or decode(aim, path, **rest),
    )
    run(feed(find_images(folder), repeats=4), last_step=12)
    assert len(opened) == len(set(opened)) == 12


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_leaves_the_global_generators_alone(folder: Path, workers: int) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    run(feed(find_images(folder), Supervised(SIZE), workers=workers))
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])


def test_grey_and_deep_pictures_reach_models_of_their_channels(tmp_path: Path) -> None:
    for number in range(4):
        ramp = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
        Image.fromarray(ramp).save(tmp_path / f"{number}.png")
    images = find_images(tmp_path)
    for channels in (1, 3):
        batch = run(feed(images, Supervised(SIZE), channels=channels), last_step=1)[0]
        assert batch.images.shape == (4, channels, *SIZE)


def spoil(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"\xff\xd8\xff\xe0 not a photograph")


def test_unusable_files_are_replaced_by_the_same_others_in_every_run(folder: Path) -> None:
    whole = run(feed(find_images(folder)), last_step=9)
    spoil(folder, "a/00.png", "b/05.png")
    images = find_images(folder)
    first = feed(images)
    expected = run(first, last_step=9)
    assert set(first.unusable.files) == {"a/00.png", "b/05.png"}
    assert_same(run(feed(images, workers=2), last_step=9), expected)
    assert_same(run(feed(images), first_step=4, last_step=9), expected[4:])
    for clean, batch in zip(whole, expected, strict=True):
        # The place keeps its number, from which masks are drawn; all others are untouched.
        assert torch.equal(batch.indices, clean.indices)
        same = [index not in (0, 8) for index in batch.indices.tolist()]
        assert_close(batch.images[same], clean.images[same], rtol=0, atol=0)


def test_each_place_draws_a_replacement_of_its_own(pictures: Make) -> None:
    folder = pictures(40)
    spoil(folder, *(f"{number:04}.png" for number in range(8)))
    source = feed(find_images(folder), EvaluationView(SIZE))
    views = torch.cat([batch.images for batch in run(source, last_step=10)])
    indices = torch.cat([batch.indices for batch in run(source, last_step=10)])
    assert len(views[indices < 8].flatten(1).unique(dim=0)) > 3


def test_a_replacement_brings_its_own_label(folder: Path) -> None:
    spoil(folder, *(f"b/{number:02}.png" for number in (1, 3, 5, 7, 9)))
    images = find_images(folder)
    batches = run(feed(images), last_step=9)
    labels = torch.cat([batch.labels for batch in batches])
    # Of class b a single image is left, shown in each of three epochs, or drawn as a replacement.
    usable = {images.name(index): images.label(index) for index in range(12)}
    assert usable["b/11.png"] == 1
    shown = run(feed(images, EvaluationView(SIZE)), last_step=9)
    picture = next(
        batch.images[row]
        for batch in shown
        for row, index in enumerate(batch.indices.tolist())
        if images.name(index) == "b/11.png"
    )
    pictures = torch.cat([batch.images for batch in shown])
    is_b = (pictures == picture).flatten(1).all(dim=1)
    assert torch.equal(is_b.long(), labels)


def test_too_many_unusable_files_stop_the_run_and_three_are_named(folder: Path) -> None:
    spoil(folder, *(f"{'ab'[n % 2]}/{n:02}.png" for n in range(7)))
    with pytest.raises(DataError, match=r"7 files .* more than the 6 allowed .*png: .*fcmae check"):
        run(feed(find_images(folder)), last_step=9)


@pytest.mark.parametrize("workers", [0, 1])
def test_nothing_but_unusable_files_stops_at_once(tmp_path: Path, workers: int) -> None:
    spoil(tmp_path, "1.jpg", "2.jpg")
    with pytest.raises(DataError, match="20 images drawn to replace an unusable one are unusable"):
        run(feed(find_images(tmp_path), workers=workers), batch_size=1)


def test_pictures_of_other_channels_than_the_model_say_so(folder: Path) -> None:
    with pytest.raises(DataError, match="its channels is 3, but the model takes 4"):
        run(feed(find_images(folder), channels=4))


def evaluate(images: ImageList, **changes: int) -> list[Batch]:
    workers = changes.pop("workers", 0)
    settings = {"channels": 3, "batch_size": 3} | changes
    return list(
        evaluation_batches(images, EvaluationView(SIZE), loader=Loader(workers=workers), **settings)
    )


def seen(batches: list[Batch]) -> list[int]:
    return [index for batch in batches for index in batch.indices.tolist()]


@pytest.mark.parametrize("workers", [0, 2])
def test_evaluation_sees_each_usable_image_once_and_reports_the_others(
    folder: Path, workers: int
) -> None:
    # The whole first and third batch, and one image of the second.
    spoiled = ["a/00.png", "a/02.png", "a/04.png", "a/08.png", "b/01.png", "b/03.png", "b/05.png"]
    spoil(folder, *spoiled)
    images = find_images(folder)
    batches = evaluate(images, workers=workers)
    assert seen(batches) == [3, 5, 9, 10, 11]
    assert all(len(batch) > 0 for batch in batches)
    assert [path for batch in batches for path, _ in batch.unusable] == spoiled


def test_two_processes_evaluate_every_image_once_between_them(folder: Path) -> None:
    images = find_images(folder)
    parts = [evaluate(images, rank=rank, world=2) for rank in (0, 1)]
    assert sorted(seen(parts[0]) + seen(parts[1])) == list(range(12))


def test_evaluation_of_nothing_usable_is_an_error(tmp_path: Path) -> None:
    spoil(tmp_path, "1.jpg", "2.jpg")
    with pytest.raises(DataError, match=r"none of the 2 images of .* can be used"):
        evaluate(find_images(tmp_path))


def test_a_feed_knows_its_size_and_its_fingerprint(pictures: Make) -> None:
    images = find_images(pictures(10))
    source = feed(images, repeats=2)
    assert source.num_images == 10
    assert source.steps_per_epoch(6) == 3
    assert source.fingerprint == images.fingerprint()
    with pytest.raises(DataError, match="use a batch size of at most 20"):
        source.steps_per_epoch(21)
    with pytest.raises(ValueError, match="repeats is 0"):
        feed(images, repeats=0)


def test_odd_photographs_of_the_real_world_all_make_views(shared: Path) -> None:
    images = find_images(shared / "photos" / "odd")
    source = feed(images, Supervised((32, 32)))
    batches = run(source, last_step=1, batch_size=len(images), micro_batch=64)
    assert source.unusable.files == {}
    assert torch.isfinite(batches[0].images).all()


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    """Smooth JPEGs, several times as large as a view."""
    random = np.random.default_rng(1)
    for number in range(6):
        coarse = random.integers(0, 256, (12, 18, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((181, 123)).save(tmp_path / f"{number}.jpg", quality=95)
    return tmp_path


@pytest.mark.parametrize("view", [Pretraining(SIZE), Supervised(SIZE)], ids=["crop", "augment"])
def test_a_view_does_not_depend_on_which_views_of_its_image_are_beside_it(
    view: View, photographs: Path
) -> None:
    images = find_images(photographs)
    together = run(feed(images, view, repeats=4), last_step=4, batch_size=6, micro_batch=6)
    expected = torch.cat([batch.images for batch in together])
    alone = run(feed(images, view, repeats=4), last_step=4, batch_size=6, micro_batch=1)
    assert_close(torch.cat([batch.images for batch in alone]), expected, rtol=0, atol=0)


def test_fitting_and_exact_decoding_show_nearly_the_same(photographs: Path) -> None:
    images = find_images(photographs)
    views = {}
    for decode in ("fitting", "exact"):
        loader = Loader(workers=0, decode=decode)
        source = Feed(images, Supervised(SIZE), seed=5, loader=loader, channels=3, repeats=2)
        views[decode] = torch.cat([batch.images for batch in run(source, last_step=3)])
    assert not torch.equal(views["fitting"], views["exact"])
    # RandAugment turns one level of difference into many where it posterises or equalises.
    difference = (views["fitting"] - views["exact"]).abs()
    assert difference.median() < 0.03


def test_evaluation_is_exact(photographs: Path) -> None:
    images = find_images(photographs)
    batches = [
        list(
            evaluation_batches(
                images,
                EvaluationView(SIZE),
                loader=Loader(workers=0, decode=decode),
                channels=3,
                batch_size=6,
            )
        )
        for decode in ("fitting", "exact")
    ]  # fmt: skip
    assert_same(*batches)


def test_of_several_processes_one_may_have_no_usable_image(tmp_path: Path) -> None:
    Image.new("RGB", (32, 32), "grey").save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no image")
    given = {"loader": Loader(workers=0), "channels": 3, "batch_size": 2}
    images = find_images(tmp_path)
    (batch,) = evaluation_batches(images, EvaluationView((32, 32)), **given, rank=1, world=2)
    assert len(batch) == 0
    assert [path for path, _ in batch.unusable] == ["b.png"]
    with pytest.raises(DataError, match="none of the 1 images"):
        list(evaluation_batches(images.subset(np.array([1])), EvaluationView((32, 32)), **given))


def test_a_feed_lists_a_source_and_crops_to_a_size_by_itself(folder: Path) -> None:
    loader = Loader(workers=0)
    spelt = Feed(find_images(folder), Pretraining((16, 16)), seed=0, loader=loader, channels=3)
    for source in (folder, str(folder)):
        assert_same(run(Feed(source, 16, loader=loader)), run(spelt))
    pixels = np.random.default_rng(0).integers(0, 256, (8, 20, 30, 3), dtype=np.uint8)
    (batch,) = run(Feed((pixels, list(range(8))), SIZE, loader=loader), last_step=1)
    assert batch.images.shape == (4, 3, *SIZE)
    assert_close(batch.labels, batch.indices)
    with pytest.raises(ValueError, match="view is 0, but height and width must be at least one"):
        Feed(folder, 0)
