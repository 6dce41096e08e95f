"""Two views of each image: functions of seed, epoch and image alone, each in its own way."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.testing import assert_close

from fcmae.data.batch import Batch
from fcmae.data.contrasting import Contrasting
from fcmae.data.cut import exact
from fcmae.data.listing import find_images
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Loader, Views
from fcmae.data.pairs import Pairs
from fcmae.errors import DataError
from fcmae.randomness import seeded
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)
SIZE = (16, 24)
PLAIN = Views(jitter=0.0, grey=0.0, blur=(0.0, 0.0), solarize=(0.0, 0.0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten pictures of noise."""
    random = np.random.default_rng(0)
    for number in range(10):
        noise = random.integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number:02}.png")
    return tmp_path


def pairs(folder: Path, *, workers: int = 0, views: Views | None = None) -> Pairs:
    view = Contrasting(SIZE, views or Views())
    loader = Loader(workers=workers)
    return Pairs(find_images(folder), view, seed=5, loader=loader, channels=3)


def run(source: Pairs, first_step: int = 0, last_step: int = 5, **changes: int) -> list[Batch]:
    settings = {"batch_size": 4, "micro_batch": 4} | changes
    return list(source.batches(first_step=first_step, last_step=last_step, **settings))


def view_of(picture: Picture, views: Views, number: int, seed: int = 0) -> torch.Tensor:
    """Not normalised, the whole of a picture."""
    view = Contrasting((picture.shape[0], picture.shape[1]), views).numbered(number)
    channels = picture.shape[2]
    out = torch.empty(channels, *view.size)
    plain = Normalisation(mean=(0.0,) * channels, std=(1.0,) * channels)
    with seeded(seed, "view"):
        view.finish(picture, plain, out)
    return out


def raw(picture: Picture) -> torch.Tensor:
    full = 255 if picture.dtype == np.uint8 else 1
    return torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float32)) / full


def test_an_epoch_shows_each_image_once_in_two_views_that_differ(folder: Path) -> None:
    source = pairs(folder)
    assert (source.num_images, source.steps_per_epoch(4)) == (10, 2)
    epoch = run(source, 0, 2)
    assert [(len(batch), len(batch.images)) for batch in epoch] == [(4, 8), (4, 8)]
    assert len({int(i) for batch in epoch for i in batch.indices}) == 8
    for batch in epoch:
        first, second = batch.images[0::2], batch.images[1::2]
        assert all(not torch.equal(one, other) for one, other in zip(first, second, strict=True))


def test_both_views_are_of_the_same_image(tmp_path: Path) -> None:
    for number in range(6):
        colour = (40 * number, 100, 200)
        Image.new("RGB", (30, 30), colour).save(tmp_path / f"{number}.png")
    for batch in run(pairs(tmp_path, views=PLAIN)):
        assert_close(batch.images[0::2], batch.images[1::2])
        reds = batch.images[0::2, 0, 0, 0]
        assert torch.equal(reds.argsort(), batch.indices.argsort())


def test_views_do_not_depend_on_workers_processes_or_where_a_run_began(folder: Path) -> None:
    expected = run(pairs(folder))
    for actual in (run(pairs(folder, workers=2)), run(pairs(folder), 0, 2)):
        for one, other in zip(actual, expected, strict=False):
            assert torch.equal(one.images, other.images)
            assert torch.equal(one.indices, other.indices)
    assert torch.equal(run(pairs(folder), 3, 5)[0].images, expected[3].images)
    shares = [run(pairs(folder), 0, 2, micro_batch=1, rank=rank, world=2) for rank in (0, 1)]
    joined = torch.cat([batch.images for rank in (0, 1) for batch in shares[rank][:2]])
    assert torch.equal(joined, expected[0].images)
    epochs = {int(index): set() for index in range(10)}
    for batch in expected:
        for place, index in enumerate(batch.indices.tolist()):
            epochs[index].add(float(batch.images[2 * place].sum()))
    assert any(len(sums) > 1 for sums in epochs.values())


def test_a_batch_larger_than_the_data_is_refused_in_images(folder: Path) -> None:
    with pytest.raises(DataError, match="of 10 images: use a batch size of at most 10"):
        pairs(folder).steps_per_epoch(11)


def test_the_second_view_alone_is_solarized(noise: NDArray) -> None:
    views = Views(jitter=0.0, grey=0.0, blur=(0.0, 0.0), solarize=(0.0, 1.0))
    assert_close(view_of(noise, views, 0), raw(noise))
    inverted = np.where(noise >= 128, 255 - noise, noise).astype(np.uint8)
    assert_close(view_of(noise, views, 1), raw(inverted))


def test_blur_is_a_gaussian_over_three_deviations(noise: NDArray) -> None:
    views = Views(jitter=0.0, grey=0.0, blur=(1.0, 0.0), blur_px=(1.5, 1.5), solarize=(0.0, 0.0))
    picture = noise.astype(np.float32) / 255
    places = np.arange(-5, 6)
    weights = np.exp(-0.5 * (places / 1.5) ** 2)
    weights /= weights.sum()
    expected = np.pad(picture, ((5, 5), (5, 5), (0, 0)), mode="reflect")
    expected = sum(w * expected[i : i + 40] for i, w in enumerate(weights))
    expected = sum(w * expected[:, i : i + 48] for i, w in enumerate(weights))
    assert_close(view_of(picture, views, 0), raw(expected.astype(np.float32)))
    assert_close(view_of(picture, views, 1), raw(picture))


def test_each_change_of_colour_comes_as_often_as_asked(noise: NDArray) -> None:
    def share(views: Views, number: int) -> float:
        changed = [
            not torch.allclose(view_of(noise[:8, :8], views, number, seed), raw(noise[:8, :8]))
            for seed in range(100)
        ]
        return float(np.mean(changed))

    none = {"jitter": 0.0, "grey": 0.0, "blur": (0.0, 0.0), "solarize": (0.0, 0.0)}
    assert share(PLAIN, 0) == share(PLAIN, 1) == 0
    assert share(Views(**none | {"jitter": 0.8}), 0) == pytest.approx(0.8, abs=0.1)
    assert share(Views(**none | {"grey": 0.2}), 1) == pytest.approx(0.2, abs=0.1)
    blurred = Views(**none | {"blur": (1.0, 0.1), "blur_px": (1.0, 2.0)})
    assert share(blurred, 0) == 1
    assert share(blurred, 1) == pytest.approx(0.1, abs=0.07)


@pytest.mark.parametrize(
    ("channels", "dtype"), [(1, np.uint8), (3, np.float32), (5, np.uint8), (4, np.float32)]
)
def test_only_8_bit_colour_changes_its_colours(channels: int, dtype: type) -> None:
    picture = np.random.default_rng(0).random((12, 14, channels), np.float32)
    if dtype == np.uint8:
        picture = (picture * 255).astype(np.uint8)
    always = Views(jitter=1.0, grey=1.0, blur=(0.0, 0.0), solarize=(1.0, 1.0))
    assert_close(view_of(picture, always, 1), raw(picture))
    assert not torch.equal(view_of(picture, Views(blur=(1.0, 1.0)), 0), raw(picture))


def test_views_may_be_as_small_as_a_few_pixels(noise: NDArray) -> None:
    view = Contrasting((4, 8))
    out = torch.empty(3, 4, 8)
    with seeded(0, "view"):
        view.finish(exact(noise, view.aim(40, 48)), Normalisation.of(Loader(), 3), out)
    assert out.isfinite().all()
