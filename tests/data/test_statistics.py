"""Statistics of the data: measured over a sample, robust, the same on every machine."""

import math
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose
from PIL import Image

from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.data.source import ImageData
from fcmae.data.statistics import look_at, measure, statistics_of
from fcmae.errors import DataError

DRAW = np.random.default_rng(0)


def test_mean_and_deviation_of_each_channel_are_those_of_the_pixels() -> None:
    pixels = DRAW.normal([0.1, 0.5], [0.01, 0.1], (200_000, 2)).astype(np.float32)
    found = statistics_of(pixels, images=1)
    assert_allclose(found.mean, [0.1, 0.5], rtol=1e-3)
    assert_allclose(found.std, [0.01, 0.1], rtol=0.01)


def test_hot_pixels_and_missing_ones_decide_nothing() -> None:
    clean = DRAW.normal(0.1, 0.01, (100_000, 1)).astype(np.float32)
    spoiled = clean.copy()
    spoiled[:50] = 1000
    spoiled[50:5050] = np.nan
    found, expected = (statistics_of(x, images=1) for x in (spoiled, clean))
    assert_allclose(found.mean, expected.mean, rtol=0.01)
    assert_allclose(found.std, expected.std, rtol=0.03)
    assert found.channels[0].missing == pytest.approx(0.05)


def test_a_constant_channel_is_told_and_divides_by_one() -> None:
    found = statistics_of(np.full((50, 1), 0.3, np.float32), images=1)
    assert found.std == (1.0,)
    assert "channel 1 is constant" in str(found)


def rasters(folder: Path, values: np.ndarray, **more: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(values):
        tifffile.imwrite(folder / f"{number}.tif", one, photometric="minisblack", **more)
    return folder


def test_a_container_that_is_hardly_filled_is_no_matter(tmp_path: Path) -> None:
    values = DRAW.integers(100, 240, (6, 20, 20))
    measured = {
        dtype: measure(
            find_images(rasters(tmp_path / dtype, (values * factor).astype(dtype))),
            channels=1,
            loader=Loader(),
        )
        for dtype, factor in {"uint16": 12, "int16": 12, "float32": 12 / 65535}.items()
    }
    assert measured["uint16"].mean == measured["int16"].mean
    assert_allclose(measured["float32"].mean, measured["uint16"].mean, rtol=1e-5)
    assert_allclose(measured["uint16"].mean, [values.mean() * 12 / 65535], rtol=1e-5)


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_a_mark_without_a_tag_is_found(dtype: str, tmp_path: Path) -> None:
    values = DRAW.integers(100, 240, (6, 20, 20)).astype(dtype)
    values[2, 3:5] = -9999
    found = measure(find_images(rasters(tmp_path, values)), channels=1, loader=Loader())
    assert found.mark == -9999
    assert found.channels[0].low > 0
    assert "those of -9999" in str(found)
    again = measure(find_images(tmp_path), channels=1, loader=Loader(nodata=math.nan))
    assert again.mark is None
    assert again.channels[0].low < 0


def test_a_number_among_the_others_is_no_mark(tmp_path: Path) -> None:
    values = DRAW.integers(-20_000, 20_000, (6, 20, 20)).astype(np.int16)
    values[0, 0, 0] = -9999
    found = measure(find_images(rasters(tmp_path, values)), channels=1, loader=Loader())
    assert found.mark is None


def test_the_sample_depends_on_the_data_alone(tmp_path: Path) -> None:
    images = find_images(rasters(tmp_path, DRAW.integers(0, 900, (300, 8, 8)).astype(np.uint16)))
    first, second = (measure(images, channels=1, loader=Loader()) for _ in range(2))
    assert first == second
    assert first.images == 256


def test_kinds_are_seen_without_decoding(tmp_path: Path) -> None:
    for name, mode in (("a.jpg", "RGB"), ("b.png", "L"), ("c.png", "P"), ("d.png", "RGBA")):
        Image.new(mode, (8, 8)).save(tmp_path / name)
    seen = look_at(find_images(tmp_path))
    assert seen.eight_bits
    assert seen.number == 3


@pytest.mark.parametrize(
    ("shapes", "dtype", "number", "eight_bits"),
    [
        ([(8, 8)], np.uint8, 1, True),
        ([(8, 8)], np.uint16, 1, False),
        ([(8, 8, 7)], np.uint8, 7, False),
        ([(8, 8), (8, 8, 3)], np.uint8, 3, True),
    ],
)
def test_the_number_of_channels_is_that_of_the_data(
    shapes: list[tuple[int, ...]], dtype: type, number: int, eight_bits: bool
) -> None:
    seen = look_at(find_images(ImageData([np.ones(shape, dtype) for shape in shapes])))
    assert (seen.number, seen.eight_bits) == (number, eight_bits)


def test_images_of_different_channels_are_asked_about() -> None:
    images = [np.ones((8, 8, count), np.uint8) for count in (4, 4, 7)]
    said = r"2 with 4, 1 with 7\), but a model takes one: encoder=.* says which"
    with pytest.raises(DataError, match=said):
        _ = look_at(find_images(ImageData(images))).number
