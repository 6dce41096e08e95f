"""Views against torchvision's and timm's definitions, and switches that do what they say."""

import random

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from PIL import Image
from torch.testing import assert_close
from torchvision.transforms import InterpolationMode, v2

from fcmae.data.augment import (
    EvaluationView,
    Pretraining,
    Supervised,
    View,
    centre_box,
    rand_augment,
)
from fcmae.data.cut import exact, resize
from fcmae.data.modes import Picture
from fcmae.data.normalisation import Normalisation
from fcmae.data.options import Augment, Crop, Loader
from fcmae.randomness import seeded

BICUBIC = InterpolationMode.BICUBIC
PLAIN = Augment(rand_augment=None, erase=0.0)


def channels_of(view: View, picture: Picture, seed: int = 0) -> torch.Tensor:
    with seeded(seed, "view"):
        crop = exact(picture, view.aim(picture.shape[0], picture.shape[1]))
        out = torch.empty(picture.shape[2], *view.size)
        view.finish(crop, Normalisation.of(Loader(), picture.shape[2]), out)
        return out


def random_crop(
    picture: Picture, size: tuple[int, int], scale: tuple[float, float], flip: bool
) -> Picture:
    view = Pretraining(size, Crop(scale=scale, flip=flip))
    return exact(picture, view.aim(picture.shape[0], picture.shape[1]))


@pytest.mark.parametrize("size", [(24, 24), (24, 40), (64, 8)])
def test_a_random_crop_that_is_less_than_halved_is_torchvisions(
    size: tuple[int, int], noise: NDArray
) -> None:
    reference = v2.RandomResizedCrop(size, scale=(0.2, 1.0), interpolation=BICUBIC)
    for seed in range(20):
        with seeded(seed, "crop"):
            expected = np.asarray(reference(Image.fromarray(noise)))
        with seeded(seed, "crop"):
            assert_array_equal(random_crop(noise, size, (0.2, 1.0), flip=False), expected)


def test_the_flip_switch_mirrors_half_of_the_crops_or_none(noise: NDArray) -> None:
    square = noise[:, :40]
    whole = {"scale": (1.0, 1.0)}

    def mirrored(seed: int, flip: bool) -> bool:
        with seeded(seed, "flip"):
            # Of the whole picture only the square shape fits; others fall back to it.
            crop = random_crop(square, (40, 40), whole["scale"], flip)
        original = bool((crop == square).all())
        assert original or (crop == square[:, ::-1]).all()
        return not original

    seeds = [seed for seed in range(150) if fits_whole(square, seed)]
    assert len(seeds) > 20
    share = np.mean([mirrored(seed, True) for seed in seeds])
    assert 0.25 < share < 0.75
    assert not any(mirrored(seed, False) for seed in seeds)


def fits_whole(square: Picture, seed: int) -> bool:
    with seeded(seed, "flip"):
        crop = random_crop(square, (40, 40), (1.0, 1.0), False)
    return bool((crop == square).all())


@pytest.mark.parametrize("have", [(40, 48), (300, 200), (20, 20), (33, 333)])
@pytest.mark.parametrize("side", [16, 64, 224])
def test_evaluation_is_torchvisions_resize_and_centre_crop(
    have: tuple[int, int], side: int
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*have, 3), dtype=np.uint8)
    smooth = np.asarray(Image.fromarray(picture).resize((have[1], have[0]), box=(0, 0, 9, 9)))
    reference = v2.Compose([v2.Resize(int(side / 0.875), BICUBIC), v2.CenterCrop(side)])
    expected = np.asarray(reference(Image.fromarray(smooth)))
    actual = resize(smooth, (side, side), centre_box(have, (side, side), 0.875))
    difference = np.abs(actual.astype(int) - expected.astype(int))
    # Pillow rounds the weights of a region and of a whole picture differently.
    assert difference.max() <= 2
    assert difference.mean() < 0.05


def test_a_rectangular_view_covers_the_centre_without_distortion() -> None:
    left, top, right, bottom = centre_box((1000, 1000), (100, 200), 1.0)
    assert_allclose([left, top, right, bottom], [0, 250, 1000, 750])


def test_from_384_on_the_whole_picture_is_warped(noise: NDArray) -> None:
    view = channels_of(EvaluationView((384, 384)), noise)
    whole = Image.fromarray(noise).resize((384, 384), Image.Resampling.BICUBIC)
    assert_close(view, Normalisation.of(Loader(), 3)(np.asarray(whole)))
    assert not torch.equal(channels_of(EvaluationView((383, 383)), noise), view[:, :383, :383])


def test_a_long_strip_is_evaluated_without_a_huge_picture() -> None:
    strip = np.zeros((1, 200, 3), np.uint8)
    assert channels_of(EvaluationView((224, 224)), strip).shape == (3, 224, 224)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize(
    "view", [Pretraining((12, 20)), Supervised((12, 20)), EvaluationView((12, 20))], ids=repr
)
def test_every_view_takes_any_number_of_channels_of_any_depth(
    view: View, channels: int, dtype: type
) -> None:
    picture = np.random.default_rng(0).random((30, 31, channels), np.float32)
    if dtype == np.uint8:
        picture = (picture * 255).astype(np.uint8)
    result = channels_of(view, picture)
    assert result.shape == (channels, 12, 20)
    assert result.dtype == torch.float32
    assert torch.isfinite(result).all()


def test_deep_and_shallow_pictures_give_nearly_the_same_view(noise: NDArray) -> None:
    deep = noise.astype(np.float32) / 255
    for view in (Pretraining((16, 16)), Supervised((16, 16), PLAIN), EvaluationView((16, 16))):
        # Rounding to 8 bits, after a bicubic resize in two passes.
        assert_close(channels_of(view, noise), channels_of(view, deep), rtol=0, atol=0.02)


def test_resizing_never_leaves_the_range() -> None:
    edge = np.zeros((20, 20, 4), np.float32)
    edge[:, 10:] = 1
    resized = resize(edge, (50, 50))
    assert (resized.min(), resized.max()) == (0, 1)


def test_a_view_is_a_function_of_its_seed(noise: NDArray) -> None:
    for view in (Pretraining((16, 16)), Supervised((16, 16))):
        assert torch.equal(channels_of(view, noise, 1), channels_of(view, noise, 1))
        assert not torch.equal(channels_of(view, noise, 1), channels_of(view, noise, 2))


def test_pretraining_crops_keep_to_their_scale(noise: NDArray) -> None:
    position = np.linspace(0, 1, 256, dtype=np.float32)[None, :, None].repeat(256, axis=0)
    view = Pretraining((32, 32), Crop(scale=(0.01, 0.02), flip=False))
    std = Loader().std
    for seed in range(20):
        row = channels_of(view, position, seed)[0, 0] * float(np.mean(std))
        # The share of the width that a crop of at most 2 % of the area can span.
        assert row.max() - row.min() < (0.02 * 4 / 3) ** 0.5


def test_erasing_puts_noise_into_a_rectangle(noise: NDArray) -> None:
    flat = np.full_like(noise, 128)
    erased = channels_of(Supervised((64, 64), Augment(rand_augment=None, erase=1.0)), flat)
    plain = channels_of(Supervised((64, 64), PLAIN), flat)
    changed = (erased != plain).all(dim=0)
    rows, columns = changed.any(dim=1), changed.any(dim=0)
    area = int(rows.sum() * columns.sum())
    assert 0.01 < area / 64**2 < 0.4
    assert changed.sum() == area
    assert 0.7 < erased[:, changed].std() < 1.3


def test_rand_augment_changes_pictures_by_timms_operations(noise: NDArray) -> None:
    view = Supervised((16, 16), Augment(rand_augment="rand-m9-n3-p1", erase=0.0))
    changed = sum(
        not torch.equal(
            channels_of(view, noise, seed), channels_of(Supervised((16, 16), PLAIN), noise, seed)
        )
        for seed in range(10)
    )
    assert changed >= 9


@pytest.mark.parametrize("recipe", ["rand-m9-mstd0.5-inc1", "rand-m10-n4", "rand-m10-inc1-n4"])
def test_rand_augment_works_at_every_magnitude(recipe: str, noise: NDArray) -> None:
    change = rand_augment(recipe, 16, (0.5, 0.5, 0.5))
    for seed in range(200):
        random.seed(seed)
        np.random.seed(seed)
        assert change(Image.fromarray(noise)).size == (48, 40)


def test_options_that_mean_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match=r"augment.rand_augment is 'randx-q5'.*rand-m9-mstd0.5"):
        Supervised((16, 16), Augment(rand_augment="randx-q5"))
    with pytest.raises(ValueError, match=r"crop_ratio is 1.5, but must be above 0 and at most 1"):
        EvaluationView((16, 16), 1.5)
