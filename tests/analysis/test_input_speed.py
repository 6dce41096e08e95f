"""The comparison with torchvision compares pixels first, and times the same files."""

from itertools import count
from pathlib import Path

import pytest
import skimage.data
from PIL import Image

from fcmae.analysis import input_speed as module
from fcmae.analysis.input_speed import input_speed
from fcmae.data.listing import find_images
from fcmae.data.options import Crop, Loader
from fcmae.errors import DataError, FcmaeError

SMALL = {"size": (48, 48), "crop": Crop(), "loader": Loader(), "batch_size": 2, "batches": 3}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("astronaut", "chelsea"):
        Image.fromarray(getattr(skimage.data, name)()).save(tmp_path / f"{name}.jpg")
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    return tmp_path


def test_every_way_is_timed_on_the_files_that_all_can_read(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock that goes on by one whenever it is read: every batch takes a second."""
    monkeypatch.setattr(module.time, "thread_time", map(float, count()).__next__)
    images = find_images(photos)
    found = input_speed(images, **SMALL, repeats=2, packed=images)
    assert (found.images, found.left_out) == (2, 1)
    ways = {"torchvision", "exact", "fitting", "packed"}
    assert set(found.per_s) == set(found.speedup) == set(found.spread) == ways
    assert set(found.per_s.values()) == {SMALL["batch_size"] * 2}
    assert set(found.speedup.values()) == {1.0}
    assert 30 < found.psnr[1] <= found.psnr[0] < 60


def test_nothing_is_timed_where_pixels_are_wrong(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LEAST_PSNR", 90.0)
    with pytest.raises(FcmaeError, match=r"of .*jpg differ by .* at least 90 dB .* nothing was"):
        input_speed(find_images(photos), **SMALL)


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"nothing")
    with pytest.raises(DataError, match="none of the images can be read both"):
        input_speed(find_images(tmp_path), **SMALL)
