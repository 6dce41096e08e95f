"""Outlines cover exactly the pixels they were made of."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from fcmae.data.trace import PixelRing, polygons, signed_area


def drawn(found: list[list[PixelRing]], size: tuple[int, int]) -> np.ndarray:
    """The pixels inside, by Pillow on a grid of quarters of pixels."""
    sheet = Image.new("1", (4 * size[1], 4 * size[0]))
    draw = ImageDraw.Draw(sheet)
    for outline, *holes in found:
        for ring, fill in [(outline, 1), *((hole, 0) for hole in holes)]:
            draw.polygon([(4 * x, 4 * y) for x, y in ring], fill=fill)
    return np.asarray(sheet)[2::4, 2::4]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_regions_together_are_the_mask(share: float) -> None:
    random = np.random.default_rng(int(10 * share))
    for _ in range(5):
        mask = random.random((11, 8)) < share
        found = polygons(mask)
        # Outer regions first: what lies in a hole is drawn over it.
        found.sort(key=lambda part: -signed_area(part[0]))
        np.testing.assert_array_equal(drawn(found, mask.shape), mask)
        assert sum(signed_area(ring) for part in found for ring in part) == mask.sum()


def test_a_ring_has_a_hole_and_an_island() -> None:
    mask = np.zeros((9, 9), dtype=np.bool_)
    mask[1:8, 1:8] = True
    mask[2:7, 2:7] = False
    mask[4, 4] = True
    island, ring = polygons(mask)
    assert island == [[(4, 4), (5, 4), (5, 5), (4, 5), (4, 4)]]
    assert ring[0] == [(1, 1), (8, 1), (8, 8), (1, 8), (1, 1)]
    assert [sorted(set(hole)) for hole in ring[1:]] == [[(2, 2), (2, 7), (7, 2), (7, 7)]]


def test_a_cutout_is_moved_to_its_place() -> None:
    mask = np.ones((1, 2), dtype=np.bool_)
    assert polygons(mask, top=5, left=3) == [[[(3, 5), (5, 5), (5, 6), (3, 6), (3, 5)]]]


def test_regions_that_touch_at_a_corner_are_two() -> None:
    parts = polygons(np.eye(2, dtype=np.bool_))
    assert [signed_area(part[0]) for part in parts] == [1, 1]
