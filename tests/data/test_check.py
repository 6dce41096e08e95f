"""Checking a data set: every unusable file is named, and only those."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from fcmae.data import check as room
from fcmae.data import image_store
from fcmae.data.check import CheckReport, FileFinding, check
from fcmae.data.listing import find_images
from fcmae.data.modes import Picture
from fcmae.data.options import Loader
from forking import IGNORE_THREADS

pytestmark = pytest.mark.filterwarnings(IGNORE_THREADS)
Make = Callable[..., Path]


@pytest.fixture
def mixed(pictures: Make) -> Path:
    """Forty pictures, three broken files and one of the system's."""
    folder = pictures(40)
    (folder / "0007.png").write_bytes(b"")
    (folder / "0020.png").write_bytes(b"hello")
    (folder / "0039.png").write_bytes((folder / "0038.png").read_bytes()[:-30])
    (folder / ".DS_Store").write_bytes(b"x")
    return folder


def paths(report: CheckReport) -> list[str]:
    return [path for path, _ in report.unusable]


@pytest.mark.parametrize("workers", [0, 2])
def test_all_and_only_the_unusable_files_are_named(mixed: Path, workers: int) -> None:
    report = check(find_images(mixed), loader=Loader(workers=workers))
    assert report.usable == 37
    assert paths(report) == [".DS_Store", "0007.png", "0020.png", "0039.png"]
    assert report.kinds == {"3 channels of 8 bits": 37}
    assert report.heights == report.widths == (8, 8, 8)


def test_progress_is_told_for_every_file_in_order(mixed: Path) -> None:
    seen: list[FileFinding] = []
    check(find_images(mixed), loader=Loader(workers=2), found=seen.append)
    assert [finding.path for finding in seen] == [f"{number:04}.png" for number in range(40)]


@pytest.mark.full
def test_a_file_that_kills_its_decoder_is_named(
    pictures: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    decode = image_store.open_image

    def crash(path: Path, **limits: int | None) -> Picture:
        if path.name in ("0003.png", "0021.png"):
            os._exit(139)
        return decode(path, **limits)

    monkeypatch.setattr(image_store, "open_image", crash)
    monkeypatch.setattr(room, "CHUNK", 4)
    report = check(find_images(pictures(40)), loader=Loader(workers=2))
    assert report.unusable == [
        ("0003.png", "its decoder crashed"),
        ("0021.png", "its decoder crashed"),
    ]
    assert report.usable == 38


def test_nothing_usable_is_still_a_report(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"")
    report = check(find_images(tmp_path), loader=Loader(workers=0))
    assert report == CheckReport(
        usable=0,
        unusable=[("a.jpg", "the file is empty")],
        kinds={},
        heights=(0, 0, 0),
        widths=(0, 0, 0),
    )


def test_all_and_only_the_broken_photographs_are_named(shared: Path) -> None:
    report = check(find_images(shared / "photos"))
    broken = sorted(f"broken/{name}" for name in os.listdir(shared / "photos/broken"))
    assert paths(report) == broken
    assert len(broken) == 11
    assert report.usable == 128
