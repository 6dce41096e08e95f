from pathlib import Path

import numpy as np
import pytest

from fcmae.cli.demo import photos as demo_photos
from fcmae.cli.demo.photos import (
    PHOTOGRAPHS,
    TRAIN,
    VAL,
    PhotoCounts,
    Photograph,
    area,
    crops,
    write_photos,
)
from fcmae.data.image import open_image
from fcmae.data.listing import find_images
from fcmae.data.png import write_png
from fcmae.errors import DataError

SHAPES = [(512, 512), (303, 384), (172, 448), (1411, 1411), (97, 61)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("axis", ["x", "y"])
@pytest.mark.parametrize("margin", [0.0, 0.15])
def test_no_pixel_is_both_learned_from_and_tested_on(
    shape: tuple[int, int], axis: str, margin: float
) -> None:
    photograph = Photograph(name="a", file="a.png", axis=axis, margin=margin)
    used = []
    for part in (TRAIN, VAL):
        pixels = np.zeros(shape, dtype=bool)
        for box in crops(area(photograph, shape, part), shape, 200, np.random.default_rng(0)):
            inside = pixels[box.top : box.bottom, box.left : box.right]
            assert inside.shape == (box.bottom - box.top,) * 2  # square, and inside the photograph
            inside[:] = True
        used.append(pixels)
    assert not (used[0] & used[1]).any()
    across = 0 if axis == "x" else 1
    last, first = (
        used[0].any(axis=across).nonzero()[0][-1],
        used[1].any(axis=across).nonzero()[0][0],
    )
    assert first - last >= 0.015 * shape[1 - across]


def test_the_folders_are_what_the_commands_read(tmp_path: Path) -> None:
    counts = write_photos(tmp_path, size=40, unlabelled=2, train=1, val=2)
    assert counts == PhotoCounts(unlabelled=32, train=16, val=32, classes=16)
    assert len(find_images(tmp_path / "unlabelled", labels=False)) == 32
    for part, number in [("train", 16), ("val", 32)]:
        images = find_images(tmp_path / part, labels=True)
        assert len(images) == number
        assert images.classes == tuple(sorted(photograph.name for photograph in PHOTOGRAPHS))
    assert open_image(tmp_path / "val" / "retina" / "retina-001.png").shape == (40, 40, 3)


def test_the_same_seed_cuts_the_same_crops(tmp_path: Path) -> None:
    def bytes_of(name: str, **options: int) -> dict[str, bytes]:
        write_photos(tmp_path / name, size=8, train=1, val=1, **options)
        files = (tmp_path / name).rglob("*.png")
        return {str(file.relative_to(tmp_path / name)): file.read_bytes() for file in files}

    first = bytes_of("a", unlabelled=1)
    assert bytes_of("b", unlabelled=1) == first
    more = bytes_of("c", unlabelled=2)
    assert {name: more[name] for name in first} == first
    assert bytes_of("d", unlabelled=1, seed=1) != first


def test_crops_of_one_photograph_differ(tmp_path: Path) -> None:
    write_photos(tmp_path, size=8, unlabelled=3, train=3, val=0)
    files = [*tmp_path.rglob("brick*.png")]
    assert len(files) == len({file.read_bytes() for file in files}) == 6


def test_a_photograph_that_is_not_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = Photograph(name="yeti", file="yeti.png")
    monkeypatch.setattr(demo_photos, "PHOTOGRAPHS", (missing,))
    with pytest.raises(DataError, match=r"does not bring yeti.png along"):
        write_photos(tmp_path, size=8)


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_written_without_loss(tmp_path: Path, channels: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    write_png(tmp_path / "a.png", picture[:, ::-1])
    np.testing.assert_array_equal(open_image(tmp_path / "a.png"), picture[:, ::-1])
