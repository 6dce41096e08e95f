"""Label maps keep their numbers, and their pictures name them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fcmae.analysis.label_pictures import colours, draw_classes, write_label_map


def test_a_label_map_keeps_its_numbers_and_has_colours(tmp_path: Path) -> None:
    labels = np.arange(12).reshape(3, 4)
    image = Image.open(write_label_map(labels, 12, tmp_path / "masks" / "a.png"))
    assert image.mode == "P"
    np.testing.assert_array_equal(np.asarray(image), labels)
    shown = np.asarray(image.convert("RGB"))
    np.testing.assert_array_equal(shown.reshape(-1, 3), colours(12))


def test_many_classes_take_sixteen_bits(tmp_path: Path) -> None:
    labels = np.array([[0, 299], [256, 1]])
    image = Image.open(write_label_map(labels, 300, tmp_path / "a.png"))
    np.testing.assert_array_equal(np.asarray(image), labels)


@pytest.mark.parametrize("num", [2, 12, 150])
def test_colours_differ(num: int) -> None:
    found = colours(num)
    assert found.shape == (num, 3)
    assert len(np.unique(found, axis=0)) == num


def test_an_overlay_has_the_picture_and_a_legend_below_it(tmp_path: Path) -> None:
    picture = np.full((50, 80, 3), 200, dtype=np.uint8)
    labels = np.zeros((50, 80), dtype=np.int64)
    labels[:25] = 2
    path = draw_classes(picture, labels, ["sky", "sea", "sand"], tmp_path / "o" / "a.png")
    drawn = np.asarray(Image.open(path))
    assert drawn.shape[0] > 60
    tints = colours(3).astype(float)
    np.testing.assert_allclose(drawn[40, 5], 200 * 0.45 + tints[0] * 0.55, atol=1)
    np.testing.assert_allclose(drawn[5, 5], 200 * 0.45 + tints[2] * 0.55, atol=1)
    legend = {tuple(colour) for colour in drawn[50:].reshape(-1, 3).tolist()}
    assert {tuple(colours(3)[0].tolist()), tuple(colours(3)[2].tolist())} <= legend
    assert tuple(colours(3)[1].tolist()) not in legend
