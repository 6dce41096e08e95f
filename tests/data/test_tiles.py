"""Windows cover an image; pieces of a file are what the whole of it shows there."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from fcmae.data.image import UnusableImage, open_image
from fcmae.data.tiles import DecodedRegions, Pieces, Window, open_regions, overview, windows


@pytest.mark.parametrize("size", [(512, 512), (600, 1000), (300, 700), (1, 5000)])
@pytest.mark.parametrize("overlap", [0.0, 1 / 3, 0.9])
def test_windows_cover_every_pixel_inside_the_image(size: tuple[int, int], overlap: float) -> None:
    seen = np.zeros(size, dtype=np.int64)
    for window in windows(size, (512, 512), overlap):
        part = seen[window.slices]
        assert part.shape == (window.height, window.width) == tuple(min(s, 512) for s in size)
        part += 1
    assert seen.min() >= 1


@pytest.mark.parametrize(("tile", "stride"), [(512, 341), (640, 426)])
def test_the_authors_strides_come_from_a_third_of_overlap(tile: int, stride: int) -> None:
    lefts = sorted({window.left for window in windows((tile, 2000), (tile, tile), 1 / 3)})
    assert lefts[:3] == [0, stride, 2 * stride]
    assert lefts[-1] == 2000 - tile


def test_an_overlap_of_everything_is_refused() -> None:
    with pytest.raises(ValueError, match=r"overlap is 1\.0, but must be at least 0 and below 1"):
        windows((10, 10), (5, 5), 1.0)


PIXELS = np.random.default_rng(0).integers(0, 256, (70, 90, 3), dtype=np.uint8)
DEEP = np.random.default_rng(1).integers(0, 65536, (70, 90, 5), dtype=np.uint16)
FILES = {
    "tiles.tif": (PIXELS, {"tile": (32, 16), "photometric": "rgb"}),
    "jpeg.tif": (PIXELS, {"rowsperstrip": 70, "photometric": "rgb"}),
    "strips.tif": (PIXELS, {"rowsperstrip": 8, "compression": "zlib", "photometric": "rgb"}),
    "deep.tif": (DEEP, {"tile": (16, 16), "photometric": "minisblack", "planarconfig": "contig"}),
    "planes.tif": (
        np.moveaxis(DEEP, 2, 0).copy(),
        {"photometric": "minisblack", "planarconfig": "separate"},
    ),
    "pages.tif": (
        np.moveaxis(PIXELS, 2, 0).copy(),
        {"imagej": True, "metadata": {"axes": "CYX"}},
    ),
    "tiled-pages.tif": (
        np.moveaxis(PIXELS, 2, 0).copy(),
        {"tile": (16, 16), "photometric": "minisblack"},
    ),
    "grey.tif": (PIXELS[..., 0].copy(), {"tile": (16, 16)}),
    "float.tif": (DEEP[..., 0].astype(np.float32), {"tile": (16, 16)}),
}


@pytest.mark.parametrize("name", [*FILES, "picture.png"])
def test_pieces_are_what_the_whole_shows(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name in FILES:
        pixels, how = FILES[name]
        tifffile.imwrite(path, pixels, **how)
    else:
        Image.fromarray(PIXELS).save(path)
    channels = 5 if name in ("deep.tif", "planes.tif") else 3
    whole = open_image(path, channels=channels)
    with open_regions(path, channels=channels) as regions:
        assert regions.size == (70, 90)
        for top, left, height, width in [(0, 0, 70, 90), (5, 20, 30, 41), (69, 89, 1, 1)]:
            window = Window(top=top, left=left, height=height, width=width)
            np.testing.assert_array_equal(regions.read(window), whole[window.slices])


@pytest.mark.parametrize("with_package", [False, True])
def test_a_compression_that_only_pillow_may_know_is_read_like_the_whole(
    with_package: bool, tmp_path: Path
) -> None:
    """LZW is what many tools write; tifffile needs imagecodecs for it."""
    if with_package != (importlib.util.find_spec("imagecodecs") is not None):
        pytest.skip(f"needs an environment {'with' if with_package else 'without'} imagecodecs")
    path = tmp_path / "lzw.tif"
    Image.fromarray(PIXELS).save(path, compression="tiff_lzw")
    with open_regions(path, channels=3) as regions:
        assert isinstance(regions, Pieces if with_package else DecodedRegions)
        window = Window(top=5, left=20, height=30, width=41)
        np.testing.assert_array_equal(regions.read(window), PIXELS[window.slices])


def test_a_compression_that_nothing_here_knows_is_told_with_the_package_that_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "deep.tif"
    tifffile.imwrite(path, DEEP, photometric="minisblack", planarconfig="contig")
    monkeypatch.setattr("fcmae.data.tiff_pixels.decodable", lambda page: False)
    with pytest.raises(UnusableImage) as raised:
        open_image(path, channels=5)
    assert "needs another package: pip install 'fcmae[tiff]'" in raised.value.reason
    assert not raised.value.reason.startswith("damaged")


def test_only_the_tiles_that_are_needed_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tiles.tif"
    tifffile.imwrite(path, PIXELS, tile=(16, 16), photometric="rgb", compression="zlib")
    decoded = spied(monkeypatch)
    with open_regions(path, channels=3) as regions:
        regions.read(Window(top=16, left=30, height=16, width=10))
    assert decoded == [7, 8]


def test_a_strip_that_many_windows_touch_is_decoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "strips.tif"
    tifffile.imwrite(path, PIXELS, rowsperstrip=35, photometric="rgb", compression="zlib")
    monkeypatch.setattr("fcmae.data.tiles.KEPT_BYTES", 1)  # one piece is kept all the same
    decoded = spied(monkeypatch)
    with open_regions(path, channels=3) as regions:
        for window in windows((70, 90), (35, 30), 0.0):
            regions.read(window)
    assert decoded == [0, 1]


@pytest.mark.parametrize("name", ["tiles.tif", "picture.png"])
def test_errors_of_whoever_looks_are_not_those_of_the_file(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "tiles.tif":
        tifffile.imwrite(path, PIXELS, tile=(16, 16), photometric="rgb")
    else:
        Image.fromarray(PIXELS).save(path)
    with pytest.raises(RuntimeError, match="out of memory"), open_regions(path, channels=3):
        raise RuntimeError("out of memory")


def test_a_tile_that_is_cut_off_is_told_where_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "tiles.tif"
    tifffile.imwrite(path, PIXELS, tile=(16, 16), photometric="rgb", compression="zlib")
    path.write_bytes(path.read_bytes()[:-3000])
    with open_regions(path, channels=3) as regions:
        regions.read(Window(top=0, left=0, height=16, width=16))
        with pytest.raises(UnusableImage, match="damaged"):
            regions.read(Window(top=0, left=0, height=70, width=90))


@pytest.mark.parametrize(
    ("size", "kept", "reason"),
    [
        ((90, 70), 2000, "damaged: "),
        ((900, 2), 10**6, "900 x 2 pixels: one side is over 200 times the other"),
    ],
)
def test_a_reason_is_given_once(
    tmp_path: Path, size: tuple[int, int], kept: int, reason: str
) -> None:
    path = tmp_path / "picture.png"
    noise = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UnusableImage) as told, open_regions(path, channels=3):
        pass
    assert told.value.reason.startswith(reason)
    assert "picture.png" not in told.value.reason


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_an_overview_has_the_means_of_squares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dtype: type
) -> None:
    monkeypatch.setattr("fcmae.data.tiles.ROWS_READ", 10)  # several bands, the last one shorter
    pixels = PIXELS.astype(dtype) * (1 if dtype is np.uint8 else 257)
    path = tmp_path / "strips.tif"
    tifffile.imwrite(path, pixels, rowsperstrip=16, photometric="rgb")
    with open_regions(path, channels=3) as regions:
        small, side = overview(regions, most_pixels=22 * 30)
        same, one = overview(regions, most_pixels=70 * 90)
        whole = regions.read(Window(top=0, left=0, height=70, width=90))
    assert (side, small.shape, small.dtype) == (4, (17, 22, 3), whole.dtype)
    squares = whole[:68, :88].reshape(17, 4, 22, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(small, squares, atol=0.5 if dtype is np.uint8 else 1e-6)
    assert one == 1
    assert (same == whole).all()


def test_missing_pixels_have_no_share_in_an_overview() -> None:
    pixels = np.arange(16, dtype=np.float32).reshape(4, 4, 1)
    pixels[0, 0] = pixels[2:, 2:] = np.nan
    small, side = overview(DecodedRegions(pixels), most_pixels=4)
    assert side == 2
    np.testing.assert_allclose(small[..., 0], [[10 / 3, 4.5], [10.5, np.nan]], rtol=1e-6)


def test_parts_that_were_never_written_are_missing_or_0(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    for mark in ([], [(42113, "s", 0, "9", True)]):
        tifffile.imwrite(path, PIXELS, tile=(16, 16), photometric="rgb", extratags=mark)
        with tifffile.TiffFile(path, mode="r+") as tiff:
            for name in ("TileOffsets", "TileByteCounts"):
                tag = tiff.pages[0].tags[name]
                tag.overwrite([0, *tag.value[1:]])
        whole = open_image(path, channels=3)
        corner = whole[:16, :16]
        assert np.isnan(corner).all() if mark else (corner == 0).all()
        with open_regions(path, channels=3) as regions:
            window = Window(top=5, left=5, height=30, width=30)
            np.testing.assert_array_equal(regions.read(window), whole[window.slices])


def test_a_narrow_image_keeps_its_side_in_the_overview() -> None:
    small, side = overview(DecodedRegions(np.zeros((2, 5000, 3), np.uint8)), most_pixels=100)
    assert (side, small.shape) == (2, (1, 2500, 3))


def spied(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The numbers of the pieces that will have been decoded."""
    decoded: list[int] = []
    decode = Pieces._decode

    def spy(pieces: Pieces, index: int) -> np.ndarray:
        decoded.append(index)
        return decode(pieces, index)

    monkeypatch.setattr(Pieces, "_decode", spy)
    return decoded
