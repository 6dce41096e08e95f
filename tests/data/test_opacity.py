"""Opacity that hides, opacity that is laid on white, and bands that are only marked as opacity."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from PIL import Image

from fcmae.data.image import UnusableImage, open_image
from fcmae.data.tiles import Window, open_regions

ROWS, COLUMNS = np.mgrid[:48, :64]
COLOUR = np.stack([COLUMNS * 3, ROWS * 3, COLUMNS + ROWS], axis=-1).astype(np.uint8)
WATER = np.where(COLUMNS < 32, 0, 220).astype(np.uint8)[..., None]
GEO = [(34735, "H", 4, (1, 1, 0, 0), True)]
SCALE = [(33550, "d", 3, (1.0, 1.0, 0.0), True)]
METADATA = [(42112, "s", 0, "<GDALMetadata></GDALMetadata>", True)]
CUT_OUT = np.where(COLUMNS < 32, 0, 255).astype(np.uint8)[..., None]
SOFT = np.clip((COLUMNS - 28) * 32, 0, 255).astype(np.uint8)[..., None]


def check_windows(path: Path, channels: int) -> None:
    whole = open_image(path, channels=channels)
    with open_regions(path, channels=channels) as regions:
        window = Window(top=5, left=20, height=30, width=41)
        assert_array_equal(regions.read(window), whole[window.slices])


def save(path: Path, values: NDArray[Any], alpha: str = "unassalpha", **more: Any) -> None:
    grey = values.shape[2] == 2
    kind = "minisblack" if grey else "rgb"
    more = {"extrasamples": [alpha], **more}
    tifffile.imwrite(path, values, photometric=kind, planarconfig="contig", metadata=None, **more)


@pytest.mark.parametrize("alpha", ["unassalpha", "assocalpha"])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("colours", [1, 3])
@pytest.mark.parametrize("mark", [(), GEO, SCALE, METADATA], ids=["", "keys", "scale", "GDAL"])
def test_a_band_that_is_marked_as_opacity_is_a_band(
    alpha: str, dtype: str, colours: int, mark: Any, tmp_path: Path
) -> None:
    values = np.concatenate([COLOUR[..., :colours], WATER], axis=2)
    if dtype == "f4":
        values = values.astype(np.float32) / 255
    elif dtype == "u2":
        values = values.astype(np.uint16) * 257
    expected = values / np.float32(65535) if dtype == "u2" else values
    path = tmp_path / "naip.tif"
    save(path, values, alpha, extratags=mark)
    assert_allclose(open_image(path), expected, atol=1e-6)
    assert_allclose(open_image(path, channels=colours + 1), expected, atol=1e-6)
    without = open_image(path, channels=3)
    assert_allclose(without, np.broadcast_to(expected[..., :colours], without.shape), atol=1e-6)
    for channels in (colours + 1, 3):
        check_windows(path, channels)


@pytest.mark.parametrize("values", [CUT_OUT, WATER * 0])
def test_in_a_map_even_what_looks_like_opacity_is_a_band(
    values: NDArray[np.uint8], tmp_path: Path
) -> None:
    path = tmp_path / "map.tif"
    save(path, np.concatenate([COLOUR, values], axis=2), extratags=GEO, tile=(16, 16))
    assert_array_equal(open_image(path, channels=3), COLOUR)
    assert_array_equal(open_image(path, channels=4)[..., 3:], values)
    check_windows(path, 3)


@pytest.mark.parametrize("opacity", [CUT_OUT, SOFT])
@pytest.mark.parametrize("dtype", ["u1", "u2", "f4"])
@pytest.mark.parametrize("associated", [False, True])
def test_opacity_is_laid_on_white(
    opacity: NDArray[np.uint8], dtype: str, associated: bool, tmp_path: Path
) -> None:
    share = opacity / 255
    colour = COLOUR / 255
    stored = np.concatenate([colour * share if associated else colour, share], axis=2)
    full = {"u1": 255, "u2": 65535, "f4": 1}[dtype]
    stored = stored * full if dtype == "f4" else (stored * full).round()
    path = tmp_path / "logo.tif"
    save(path, stored.astype(dtype), "assocalpha" if associated else "unassalpha")
    picture = open_image(path)
    seen = picture / (255 if picture.dtype == np.uint8 else 1)
    assert_allclose(seen, colour * share + 1 - share, atol=1.01 / 255)
    four = open_image(path, channels=4)
    four = four / (255 if four.dtype == np.uint8 else 1)
    solid = share[..., 0] == 1
    assert_allclose(four[solid], np.concatenate([colour, share], axis=2)[solid], atol=1.01 / 255)
    check_windows(path, 3)


def test_a_fourth_sample_that_no_tag_names_is_judged_by_its_values(tmp_path: Path) -> None:
    for band, channels in ((CUT_OUT, 3), (WATER, 4)):
        path = tmp_path / "old.tif"
        save(path, np.concatenate([COLOUR, band], axis=2))
        with tifffile.TiffFile(path, mode="r+") as tiff:
            code = tiff.pages[0].tags[338].offset
        data = bytearray(path.read_bytes())
        data[code : code + 2] = struct.pack("<H", 65000)  # a private tag instead
        path.write_bytes(data)
        assert open_image(path).shape[2] == channels


def test_of_several_more_samples_one_that_is_opacity_is_a_band(tmp_path: Path) -> None:
    path = tmp_path / "five.tif"
    values = np.concatenate([COLOUR, WATER // 2, CUT_OUT], axis=2)
    extras = {"extrasamples": ["unspecified", "unassalpha"]}
    save(path, values, **extras)
    assert_array_equal(open_image(path), values)
    assert_array_equal(open_image(path, channels=5), values)
    assert_array_equal(open_image(path, channels=4), values[..., :4])
    with pytest.raises(UnusableImage, match="channels is 5, but the model takes 3"):
        open_image(path, channels=3)
    check_windows(path, 4)


def bmp_32(pixels: NDArray[np.uint8]) -> bytes:
    """A BMP with a header of version 4, which says where opacity is."""
    height, width = pixels.shape[:2]
    data = pixels[::-1, :, [2, 1, 0, 3]].tobytes()
    masks = struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    head = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, len(data), 2835, 2835, 0, 0)
    head += masks + b"BGRs" + bytes(48)
    start = 14 + len(head)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + head + data


HIDDEN = np.concatenate([COLOUR, COLOUR[..., :1] * 0], axis=2)


def hidden(path: Path) -> None:
    """Write a picture that opacity hides whole, in the way that the name says."""
    kind = path.suffix
    if kind == ".bmp":
        path.write_bytes(bmp_32(HIDDEN))
    elif path.stem == "grey":
        Image.fromarray(HIDDEN[..., [0, 3]]).save(path)
    elif path.stem in ("palette", "key", "grey-key", "deep-grey-key"):
        if path.stem == "palette":
            image = Image.fromarray(COLOUR * 0).quantize(2)
            image.save(path, transparency=image.getpixel((0, 0)))
        elif path.stem == "deep-grey-key":
            Image.fromarray(np.full((4, 4), 700, np.uint16)).save(path, transparency=700)
        else:
            image = Image.new("L" if path.stem == "grey-key" else "RGB", (4, 4))
            image.save(path, transparency=0 if path.stem == "grey-key" else (0, 0, 0))
    elif kind == ".tif":
        save(path, HIDDEN.astype(np.uint16) if path.stem == "deep" else HIDDEN)
    else:
        options = {"lossless": True, "exact": True} if kind == ".webp" else {}
        Image.fromarray(HIDDEN).save(path, **options)


@pytest.mark.parametrize(
    "name",
    [
        *("all.png", "all.webp", "all.bmp", "all.tif", "deep.tif", "grey.png", "palette.png"),
        *("palette.gif", "key.png", "grey-key.png", "deep-grey-key.png"),
    ],
)
def test_a_picture_that_opacity_hides_whole_is_refused(name: str, tmp_path: Path) -> None:
    hidden(tmp_path / name)
    for channels in (None, 3, 4):
        with pytest.raises(UnusableImage, match="its opacity is 0 everywhere"):
            open_image(tmp_path / name, channels=channels)


def test_a_picture_that_shows_a_single_pixel_is_taken(tmp_path: Path) -> None:
    shown = HIDDEN.copy()
    shown[3, 4, 3] = 255
    Image.fromarray(shown).save(tmp_path / "one.png")
    assert_array_equal(open_image(tmp_path / "one.png")[3, 4], COLOUR[3, 4])
