"""What cannot be used is known before PyTorch is imported, and nothing else is refused."""

from pathlib import Path

import pytest
from PIL import Image

from fcmae.cli.shared.preflight import TRIED, check_pictures
from fcmae.cli.shared.sources import find_all
from fcmae.data.options import Loader
from fcmae.errors import DataError


def folder(root: Path, usable: int, damaged: int) -> Path:
    """Damaged images, and behind them in the order of names those that can be used."""
    for number in range(damaged):
        (root / f"a{number:04}.png").write_bytes(b"not a picture")
    for number in range(usable):
        Image.new("RGB", (8, 8)).save(root / f"b{number:04}.png")
    return root


@pytest.mark.parametrize(("usable", "damaged"), [(1, 0), (1, 40), (1, TRIED - 1), (20, 10 * TRIED)])
def test_damaged_images_in_front_do_not_keep_from_using_others(
    usable: int, damaged: int, tmp_path: Path
) -> None:
    images = find_all([folder(tmp_path, usable, damaged)])
    check_pictures(images, loader=Loader(), channels=3)


@pytest.mark.parametrize(
    ("damaged", "number"),
    [(1, "1 image"), (9, "9 images"), (100, "64 images that were tried, of 100 images")],
)
def test_images_of_which_none_can_be_used_are_refused(
    damaged: int, number: str, tmp_path: Path
) -> None:
    images = find_all([folder(tmp_path, 0, damaged)])
    with pytest.raises(DataError) as raised:
        check_pictures(images, loader=Loader(), channels=3)
    assert f"no image can be used ({number}), such as {tmp_path}/a" in str(raised.value)
