"""Pixels are measured picture by picture, in the numbers of the files."""

import math
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_array_equal
from PIL import Image

from fcmae.data import check
from fcmae.data.listing import find_images
from fcmae.data.modes import scaled
from fcmae.data.options import Loader
from fcmae.data.pixel_type import highest
from fcmae.data.pixels import Measuring, PixelTotals, values_of

DRAW = np.random.default_rng(0)


def totals_of(arrays: list[np.ndarray], kind: str) -> PixelTotals:
    channels = arrays[0].shape[2]
    measuring, totals = Measuring(channels=channels, sampled=frozenset({0})), PixelTotals
    found = totals(channels=channels)
    for index, array in enumerate(arrays):
        found.add(f"{index}", values_of(scaled(array), kind, index, measuring))
    return found


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "int32", "float32"])
def test_extremes_and_counts_are_those_of_all_pixels(dtype: str) -> None:
    low = -90 if dtype[0] in "if" else 0
    arrays = [DRAW.integers(low, 120, (70, 50, 3)).astype(dtype) for _ in range(3)]
    arrays[1][5, 6, 1] = arrays[2][0, 0, 1] = arrays[2][69, 49, 1] = 125
    [found] = totals_of(arrays, dtype).types.values()
    pixels = np.concatenate([array.reshape(-1, 3) for array in arrays])
    assert_array_equal(found.least, pixels.min(axis=0))
    assert_array_equal(found.greatest, pixels.max(axis=0))
    assert_array_equal(found.at_greatest, (pixels == pixels.max(axis=0)).sum(axis=0))
    assert (found.at_greatest[1], found.pixels) == (3, len(pixels))


def test_missing_pixels_are_counted_and_are_no_extremes() -> None:
    array = DRAW.normal(size=(60, 40, 2)).astype(np.float32)
    array[3:7, :, 0] = math.nan
    array[:, :, 1] = math.nan
    [found] = totals_of([array], "float32").types.values()
    assert found.missing.tolist() == [160, 2400]
    assert found.least[0] == np.nanmin(array[..., 0])
    assert np.isnan(found.least[1])


def test_only_drawn_pictures_are_kept() -> None:
    found = totals_of([DRAW.integers(0, 9, (200, 200, 1)).astype(np.uint8)] * 5, "uint8")
    assert [sample.shape for sample in found.sample] == [(4096, 1)]


def test_what_is_kept_does_not_grow_with_the_number_of_files() -> None:
    arrays = [DRAW.integers(0, 2 ** (i % 16) + 1, (4, 4, 1)).astype(np.uint16) for i in range(400)]
    found = totals_of(arrays, "uint16")
    assert len(found.sample) == 1
    assert len(found._levels) <= 64
    assert all(len(each.names) <= 3 for each in found._levels.values())


FAR = {
    "shares among floats of 8 bits": ("float32", DRAW.uniform(0, 255, (9, 9, 1)), 1 / 255),
    "12 bits among 16": ("uint16", DRAW.integers(9000, 65000, (9, 9, 1)), 1 / 16),
    "0 and 1 among 8 bits": ("uint8", DRAW.integers(0, 2, (9, 9, 1)) * 255, 1 / 255),
}


@pytest.mark.parametrize("kind", FAR)
def test_a_file_of_another_range_is_named(kind: str) -> None:
    dtype, values, factor = FAR[kind]
    arrays = [(values * f).astype(dtype) for f in (1, 0.9, factor, 1, 0.8)]
    far = totals_of(arrays, dtype).far()
    assert far.count == 1
    assert far.names[0].startswith(f"2 ({dtype}, ")


def test_dark_and_bright_pictures_are_not_far_apart() -> None:
    photos = [(DRAW.uniform(0, f, (9, 9, 3))).astype(np.uint8) for f in (255, 5, 40, 200)]
    scenes = [(DRAW.uniform(0, f, (9, 9, 3))).astype(np.uint16) for f in (900, 3000, 12000, 20000)]
    assert totals_of(photos, "uint8").far().count == 0
    assert totals_of(scenes, "uint16").far().count == 0


def test_pictures_of_one_colour_are_named() -> None:
    plain, busy = np.full((5, 5, 2), 7, np.uint16), DRAW.integers(0, 9, (5, 5, 2), np.uint16)
    plain[..., 1] = 9
    found = totals_of([busy, plain, busy], "uint16")
    assert (found.flat.count, found.flat.names) == (1, ["1"])


def test_types_are_those_of_the_files(tmp_path: Path) -> None:
    for dtype in ("uint8", "int8", "uint16", "int16", "uint32", "float32", "float64"):
        tifffile.imwrite(tmp_path / f"{dtype}.tif", DRAW.integers(0, 99, (8, 8)).astype(dtype))
        tifffile.imwrite(tmp_path / f"{dtype}-7.tif", np.ones((8, 8, 7), dtype))
    Image.fromarray(DRAW.integers(0, 9999, (8, 8)).astype(np.uint16)).save(tmp_path / "uint16.png")
    Image.new("1", (8, 8)).save(tmp_path / "bool.png")
    Image.new("1", (8, 8)).save(tmp_path / "bool.tif")
    Image.new("P", (8, 8)).save(tmp_path / "uint8.gif")
    for channels in (1, 7):
        measuring = Measuring(channels=channels, sampled=frozenset())
        for finding in check.inspect(find_images(tmp_path), Loader(workers=0), measuring):
            assert finding.reason is None
            if finding.values is not None:
                assert finding.path.split(".")[0].removesuffix("-7") == finding.values.kind


def test_the_highest_number_of_a_type_is_known() -> None:
    known = {"uint8": 255, "int8": 127, "uint16": 65535, "int16": 32767}
    assert {kind: highest(kind) for kind in known} == known
    assert (highest("float32"), highest("bool")) == (None, 1)
