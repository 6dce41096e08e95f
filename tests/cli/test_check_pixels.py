"""``fcmae check`` tells what pixels are like, and what a training does with them."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import fcmae
from fcmae.cli.main import main
from fcmae.data.listing import find_images
from fcmae.data.options import Loader
from fcmae.data.statistics import measure
from fcmae.errors import StorageError

DRAW = np.random.default_rng(0)
PHOTOS = "normalises images by the mean and deviation of ImageNet"


def bands(folder: Path, *, count: int = 6, channels: int = 7, dtype: str = "uint16") -> Path:
    """Scenes of satellites: few per cent of the range, offsets between channels."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        low = np.linspace(300, 2000, channels)
        values = DRAW.normal(low, low / 6, (32, 32, channels)).clip(1, 9999)
        tifffile.imwrite(folder / f"{index}.tif", values.astype(dtype), photometric="minisblack")
    return folder


def photos(folder: Path) -> Path:
    folder.mkdir()
    for index in range(3):
        small = Image.fromarray(DRAW.integers(0, 255, (6, 8, 3), np.uint8))
        small.resize((40, 30)).save(folder / f"{index}.jpg")
    return folder


def check(data: Path, **more: Any) -> Any:
    return fcmae.check(data=data, **{"loader": {"workers": 0}, **more})


def test_each_channel_has_a_row_in_the_numbers_of_the_files(tmp_path: Path) -> None:
    found = check(bands(tmp_path))
    pixels = np.concatenate([tifffile.imread(path).reshape(-1, 7) for path in tmp_path.iterdir()])
    assert [row.type for row in found.channels] == ["uint16"] * 7
    for row, values in zip(found.channels, pixels.T, strict=True):
        assert (row.least, row.greatest) == (values.min(), values.max())
        assert row.median == pytest.approx(np.median(values), abs=1)
        assert row.mean == pytest.approx(values.mean(), rel=1e-3)
        assert row.std == pytest.approx(values.std(), rel=0.03)
        assert (row.missing, row.saturated, row.constant) == (0, 0, False)


def test_mean_and_deviation_are_those_of_a_training(tmp_path: Path) -> None:
    found = check(bands(tmp_path))
    measured = measure(find_images(tmp_path), channels=7, loader=Loader())
    assert [row.mean / 65535 for row in found.channels] == pytest.approx(measured.mean)
    assert [row.std / 65535 for row in found.channels] == pytest.approx(measured.std)
    assert found.pixel_notes == [
        "A training from scratch takes 7 channels, and normalises images by their own mean and "
        "deviation, measured on 6 images."
    ]


def test_photographs_have_a_line_for_each_channel_and_nothing_alarming(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", f"{photos(tmp_path / 'a')}", "--loader.workers", "0"]) == 0
    said = capsys.readouterr().out
    table = said[said.index("Values of uint8") :].splitlines()
    assert table[1].split()[:4] == ["channel", "least", "0.1%", "50%"]
    assert [line.split()[0] for line in table[2:5]] == ["1", "2", "3"]
    assert PHOTOS in table[5]
    assert table[6].startswith("Loss of the constant answer: ")
    assert table[7:] == ["3 files are usable images."]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"statistics": "imagenet"}, "the mean and deviation of ImageNet"),
        ({"statistics": "data"}, "their own mean and deviation"),
        ({"mean": [0.1], "std": [0.2]}, 'the mean and deviation of loader={"mean": ...}'),
    ],
)
def test_options_decide_what_a_training_does(
    given: dict[str, Any], said: str, tmp_path: Path
) -> None:
    found = check(bands(tmp_path, channels=1), loader={"workers": 0, **given})
    assert said in found.pixel_notes[0]


def test_odd_channels_and_files_are_named(tmp_path: Path) -> None:
    bands(tmp_path, channels=2)
    for path in tmp_path.iterdir():
        values = tifffile.imread(path)
        values[..., 1] = 5
        tifffile.imwrite(path, values, photometric="minisblack")
    tifffile.imwrite(tmp_path / "flat.tif", np.full((9, 9, 2), 5, np.uint16))
    tifffile.imwrite(tmp_path / "eight.tif", np.full((9, 9, 2), [[[200, 5]]], np.uint8))
    tifffile.imwrite(tmp_path / "small.tif", DRAW.integers(0, 9, (9, 9, 2), np.uint16))
    notes = " ".join(check(tmp_path).pixel_notes)
    assert "1 image has numbers of type uint8, not uint16 as most: eight.tif." in notes
    assert "1 image has values far from those of the others: small.tif (uint16, 0 to 8)" in notes
    assert "2 images have one colour only: eight.tif, flat.tif." in notes


def test_constant_channels_are_named(tmp_path: Path) -> None:
    values = DRAW.integers(0, 900, (9, 9, 3)).astype(np.uint16)
    values[..., 1:] = 40
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    found = check(tmp_path)
    assert [row.constant for row in found.channels] == [False, True, True]
    assert [row.std for row in found.channels[1:]] == [0, 0]
    assert "Channels 2 and 3 are constant: they tell a model nothing." in found.pixel_notes


def test_missing_saturated_and_frequent_pixels_are_shares(tmp_path: Path) -> None:
    values = DRAW.integers(100, 900, (40, 50)).astype(np.int16)
    values[:4], values[4:8], values[8:20] = -9999, 1023, 77
    tifffile.imwrite(tmp_path / "a.tif", values)
    found = check(tmp_path)
    [row] = found.channels
    assert row.missing == pytest.approx(0.1)
    assert row.saturated == pytest.approx(0.1)
    assert row.most_frequent == 77
    assert row.most_frequent_share == pytest.approx(0.3 / 0.9)
    assert any("Pixels of -9999 are taken for missing ones" in note for note in found.pixel_notes)


def test_numbers_of_channels_that_differ_are_asked_about(tmp_path: Path) -> None:
    bands(tmp_path, channels=4)
    tifffile.imwrite(tmp_path / "other.tif", np.ones((9, 9, 7), np.uint16))
    found = check(tmp_path)
    assert len(found.channels) == 4
    assert found.pixel_notes[0].startswith("The images have different numbers of channels")


def test_the_constant_answer_is_low_where_the_statistics_do_not_fit(tmp_path: Path) -> None:
    bands(tmp_path, channels=3)
    own = check(tmp_path).constant_answer
    foreign = check(tmp_path, loader={"workers": 0, "statistics": "imagenet"}).constant_answer
    assert foreign < 0.2
    assert 0.8 < own < 1.01


def test_twelve_channels_fit_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(4):
        values = DRAW.normal(-1e-3, 1e-3, (20, 20, 12)).astype(np.float32)
        values[:2, :, 1], values[4:, :, 3] = np.nan, 0.01
        tifffile.imwrite(tmp_path / f"{number}.tif", values, photometric="minisblack")
    assert main(["check", f"{tmp_path}", "--loader.workers", "0"]) == 0
    said = capsys.readouterr().out
    lines = said[said.index("Values of") :].splitlines()
    tables = lines[1 : lines.index(next(line for line in lines if line.startswith("A training")))]
    assert [line.split()[0] for line in tables] == ["channel", *map(str, range(1, 13))] * 2
    assert max(map(len, tables)) <= 80


def test_all_of_it_is_in_the_json(tmp_path: Path) -> None:
    target = tmp_path / "told.json"
    data = bands(tmp_path / "a", channels=4)
    words = ["check", f"{data}", "--loader.workers", "0", "--json", f"{target}"]
    assert main(words) == 0
    told = json.loads(target.read_text())
    assert told["channels"][3]["type"] == "uint16"
    assert {"least", "low", "median", "most_frequent_share"} <= told["channels"][3].keys()
    assert told["constant_answer"] > 0.8
    assert len(told["pixel_notes"]) == 1


def test_histograms_are_drawn_and_no_file_of_others_is_written_over(tmp_path: Path) -> None:
    data, picture = bands(tmp_path / "a", channels=5), tmp_path / "values.png"
    for _ in range(2):
        assert check(data, picture=picture).picture == picture
    with Image.open(picture) as image:
        assert image.width > image.height > 200
    other = tmp_path / "mine.png"
    other.write_bytes(b"mine")
    with pytest.raises(StorageError, match=r"mine\.png is there already"):
        check(data, picture=other)
    with pytest.raises(ValueError, match=r"picture is .*x\.jpg, but must be a \.png file"):
        check(data, picture=tmp_path / "x.jpg")


def test_a_process_of_its_own_measures_the_same(tmp_path: Path) -> None:
    data = bands(tmp_path, count=20, channels=2)
    assert check(data, loader={"workers": 2}).channels == check(data).channels
