"""Runs of pixels and polygons against pycocotools."""

import hypothesis.extra.numpy as arrays
import numpy as np
import pycocotools.mask as reference
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from labels import whole_mask

from fcmae.data.objects.rle import compress, decode, encode, expand

SIDES = st.integers(1, 12)
MASKS = arrays.arrays(np.bool_, st.tuples(SIDES, SIDES))


@settings(max_examples=40)
@given(MASKS)
def test_runs_are_those_of_pycocotools(mask: np.ndarray) -> None:
    size = (mask.shape[0], mask.shape[1])
    expected = reference.encode(np.asfortranarray(mask.astype(np.uint8)))
    runs = encode(mask, size=size)
    assert compress(runs) == expected["counts"].decode()
    assert expand(compress(runs)) == runs
    assert (decode(runs, size) == mask).all()


@settings(max_examples=40)
@given(MASKS, st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))
def test_a_part_of_an_image_has_the_runs_of_the_whole(
    mask: np.ndarray, top: int, left: int, below: int, right: int
) -> None:
    whole = np.pad(mask, ((top, below), (left, right)))
    size = (whole.shape[0], whole.shape[1])
    assert encode(mask, top=top, left=left, size=size) == encode(whole, size=size)


def test_long_runs_survive_the_text() -> None:
    runs = [0, 5_000_000, 3, 1, 4_000_000, 2]
    size = {"size": [1, sum(runs)], "counts": runs}
    assert compress(runs) == reference.frPyObjects(size, *size["size"])["counts"].decode()
    assert expand(compress(runs)) == runs


@pytest.mark.parametrize("seed", range(5))
def test_polygons_cover_the_pixels_that_pycocotools_says(seed: int) -> None:
    draw = np.random.default_rng(seed)
    height, width = 90, 120
    angles = np.sort(draw.uniform(0, 2 * np.pi, 12))
    radius = draw.uniform(15, 44, 12)
    corners = np.stack([60 + radius * np.cos(angles), 45 + radius * np.sin(angles)], axis=1)
    runs = reference.merge(reference.frPyObjects([corners.ravel().tolist()], height, width))
    expected = decode(expand(runs["counts"].decode()), (height, width))
    mask = whole_mask([corners.ravel().tolist()], (height, width))
    # pycocotools rounds corners to a fifth of a pixel.
    assert (mask & expected).sum() / (mask | expected).sum() > 0.985


def test_a_pixel_belongs_to_a_polygon_if_its_centre_does() -> None:
    triangle = np.array([[1.0, 1.0], [5.0, 1.0], [1.0, 5.0]])
    square = np.array([[-3.0, 5.4], [2.6, 5.4], [2.6, 9.0], [-3.0, 9.0]])
    mask = whole_mask([triangle.ravel().tolist(), square.ravel().tolist()], (7, 6))
    expected = [
        "       ",
        " ###   ",
        " ##    ",
        " #     ",
        "       ",
        "###    ",
        "###    ",
    ]
    assert [[cell == "#" for cell in row[:6]] for row in expected] == mask.tolist()
