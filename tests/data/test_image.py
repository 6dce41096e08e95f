"""The front door: what comes in, what is refused, and what pixels mean."""

import io
import os
import pickle
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from fcmae.data.check import check
from fcmae.data.image import UnusableImage, open_image
from fcmae.data.listing import find_images
from fcmae.data.options import Loader, Reading
from fcmae.data.tiles import Window, open_regions

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def column(*pixels: object) -> NDArray[np.uint8]:
    """A picture one pixel wide."""
    return np.array(pixels, dtype=np.uint8).reshape(len(pixels), 1, -1)


def palette(transparency: object = None) -> Image.Image:
    image = Image.new("P", (1, 3))
    image.putpalette([*RED, *GREEN, *BLUE])
    image.putdata([0, 1, 2])
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


def pixels(mode: str, values: list[object]) -> Image.Image:
    image = Image.new(mode, (1, len(values)))
    image.putdata(values)
    return image


EIGHT_BITS = {
    "1": (pixels("1", [0, 255]), ".png", column(0, 255)),
    "L": (pixels("L", [0, 7, 255]), ".png", column(0, 7, 255)),
    "LA": (pixels("LA", [(10, 255), (10, 0), (0, 128)]), ".png", column(10, 255, 127)),
    "RGB": (pixels("RGB", [RED, GREEN]), ".bmp", column(RED, GREEN)),
    "RGBA": (
        pixels("RGBA", [(*RED, 255), (*RED, 0), (0, 0, 0, 51)]),
        ".png",
        column(RED, (255,) * 3, (204,) * 3),
    ),
    "P": (palette(), ".png", column(RED, GREEN, BLUE)),
    "P with a clear colour": (palette(1), ".png", column(RED, (255,) * 3, BLUE)),
    "P with an alpha table": (
        palette(bytes([255, 0, 51])),
        ".png",
        column(RED, (255,) * 3, (204, 204, 255)),
    ),
    "P in a GIF": (palette(), ".gif", column(RED, GREEN, BLUE)),
    "CMYK in a TIFF": (
        pixels("CMYK", [(0, 255, 255, 0), (0, 0, 0, 255)]),
        ".tif",
        column(RED, (0, 0, 0)),
    ),
    "RGBA in a lossless WebP": (
        pixels("RGBA", [(*RED, 255), (*GREEN, 255)]),
        ".webp",
        column(RED, GREEN),
    ),
}


@pytest.mark.parametrize("name", EIGHT_BITS)
def test_eight_bits_become_these_bytes(name: str, tmp_path: Path) -> None:
    image, suffix, expected = EIGHT_BITS[name]
    path = tmp_path / f"picture{suffix}"
    image.save(path, **({"lossless": True} if suffix == ".webp" else {}))
    picture = open_image(path)
    assert picture.dtype == np.uint8
    assert_array_equal(picture, expected)


def cmyk_jpeg(*, adobe: bool) -> bytes:
    """A flat picture of 0, 255, 255, 0 (red), with or without Adobe's mark (and its inversion)."""
    ink = (0, 255, 255, 0) if adobe else (255, 0, 0, 255)
    buffer = io.BytesIO()
    Image.new("CMYK", (16, 16), ink).save(buffer, "JPEG", quality=100)
    data = buffer.getvalue()
    if adobe:
        return data
    start = data.index(b"\xff\xee")
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    return data[:start] + data[start + 2 + length :]


@pytest.mark.parametrize("adobe", [True, False])
def test_cmyk_is_inverted_only_where_adobe_marked_it(adobe: bool, tmp_path: Path) -> None:
    path = tmp_path / "print.jpg"
    path.write_bytes(cmyk_jpeg(adobe=adobe))
    assert_allclose(open_image(path)[8, 8], RED, atol=3)


RAMP = (np.arange(256, dtype=np.uint16) * 257)[None, :].repeat(2, axis=0)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_a_16_bit_tiff_keeps_256_levels(
    order: str, compression: str | None, tmp_path: Path
) -> None:
    path = tmp_path / "ramp.tif"
    tifffile.imwrite(path, RAMP, byteorder=order, compression=compression)
    check_ramp(path)


def test_a_16_bit_png_keeps_256_levels(tmp_path: Path) -> None:
    path = tmp_path / "ramp.png"
    Image.fromarray(RAMP).save(path)
    check_ramp(path)


def check_ramp(path: Path) -> None:
    picture = open_image(path)
    assert picture.dtype == np.float32
    assert_allclose(picture[0, :, 0], np.arange(256) / 255, atol=1e-7)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0.0, 0.25, 0.5]), [0, 0.25, 0.5]),
        (np.array([0.3, 0.4, 1.2]), [0.3, 0.4, 1.2]),
        (np.array([-1.0, 0.0, 4000.0]), [-1, 0, 4000]),
        (np.array([0.5, 1.0], np.float16), [0.5, 1]),
        (np.array([0, 65535, 13107], np.int32), [0, 1, 0.2]),
        (np.array([-32768, 0, 32767], np.int16), [-32768 / 65535, 0, 32767 / 65535]),
        (np.array([0, 2**32 - 1], np.uint32), [0, 65537]),
        (np.array([-128, 127], np.int8), [-128 / 65535, 127 / 65535]),
    ],
)
def test_a_number_means_the_same_in_every_picture(
    values: NDArray[np.generic], expected: list[float], tmp_path: Path
) -> None:
    path = tmp_path / "numbers.tif"
    tifffile.imwrite(path, values[None, :])
    assert_allclose(open_image(path)[0, :, 0], expected, rtol=1e-6)
    tifffile.imwrite(path, values[None, :1])
    assert_allclose(open_image(path)[0, :, 0], expected[:1], rtol=1e-6)


def test_float_in_pillow_and_in_tifffile_mean_the_same(tmp_path: Path) -> None:
    values = np.linspace(-2, 3, 12, dtype=np.float32).reshape(3, 4)
    Image.fromarray(values).save(tmp_path / "pillow.tif")
    tifffile.imwrite(tmp_path / "tifffile.tif", values.astype(np.float64))
    first, second = (open_image(tmp_path / f"{name}.tif") for name in ("pillow", "tifffile"))
    assert_allclose(first, second, atol=1e-7)


@pytest.mark.parametrize("value", [np.nan, np.inf, np.finfo(np.float32).min, 1e308])
def test_what_is_no_number_is_missing(value: float, tmp_path: Path) -> None:
    path = tmp_path / "hole.tif"
    tifffile.imwrite(path, np.array([[0.5, value]]))
    assert_array_equal(open_image(path)[0, :, 0], np.array([0.5, np.nan], np.float32))
    tifffile.imwrite(path, np.array([[value, value]]))
    with pytest.raises(UnusableImage, match="all of its pixels are missing"):
        open_image(path)


NODATA = [
    (np.array([[7, -9999, 9]], np.int16), "-9999"),
    (np.array([[7, 65535, 9]], np.uint16), "65535"),
    (np.array([[7, 0, 9]], np.uint8), " 0 \0"),
    (np.array([[0.5, -9999, 1.5]], np.float32), "-9999.0"),
    (np.array([[0.5, -1e30, 1.5]], np.float32), "-1e+30"),
    (np.array([[0.5, np.nan, 1.5]], np.float32), "nan"),
]


@pytest.mark.parametrize(("values", "tag"), NODATA)
@pytest.mark.parametrize("by_tag", [True, False])
def test_the_value_that_marks_missing_pixels_is_no_number(
    values: NDArray[np.generic], tag: str, by_tag: bool, tmp_path: Path
) -> None:
    path = tmp_path / "raster.tif"
    extra = [(42113, "s", 0, tag, True)] if by_tag else []
    how = Reading() if by_tag else Reading(nodata=float(tag.strip(" \0")))
    for more in ({}, {"compression": "zlib", "tile": (16, 16)}):
        tifffile.imwrite(path, values, extratags=extra, photometric="minisblack", **more)
        picture = open_image(path, how=how)
        size = {np.uint8: 255, np.float32: 1}.get(values.dtype.type, 65535)
        assert picture.dtype == np.float32
        assert_array_equal(np.isnan(picture[0, :, 0]), [False, True, False])
        assert_allclose(picture[0, ::2, 0], values[0, ::2] / size, rtol=1e-6)
        with open_regions(path, channels=1, how=how) as regions:
            window = Window(top=0, left=0, height=1, width=3)
            assert_array_equal(regions.read(window), picture)


def test_a_mark_that_no_pixel_has_changes_nothing(tmp_path: Path) -> None:
    path, values = tmp_path / "raster.tif", np.array([[7, 1, 9]], np.uint8)
    for tag in ("0", "-9999", "nan", "none"):
        tifffile.imwrite(path, values, extratags=[(42113, "s", 0, tag, True)])
        assert_array_equal(open_image(path)[..., 0], values)


CUBE = np.random.default_rng(1).integers(0, 256, (30, 20, 5), dtype=np.uint8)
LAYOUTS: dict[str, Callable[[Path], None]] = {
    "samples side by side": lambda path: tifffile.imwrite(
        path, CUBE, photometric="minisblack", planarconfig="contig"
    ),
    "samples in planes": lambda path: tifffile.imwrite(
        path, CUBE.transpose(2, 0, 1), photometric="minisblack", planarconfig="separate"
    ),
    "pages, as tifffile writes height x width x channels": lambda path: tifffile.imwrite(
        path, CUBE
    ),
    "pages, as tifffile writes channels x height x width": lambda path: tifffile.imwrite(
        path, CUBE.transpose(2, 0, 1)
    ),
    "ImageJ": lambda path: tifffile.imwrite(path, CUBE.transpose(2, 0, 1), imagej=True),
    "OME": lambda path: tifffile.imwrite(
        path, CUBE.transpose(2, 0, 1), ome=True, metadata={"axes": "CYX"}
    ),
    "compressed": lambda path: tifffile.imwrite(
        path, CUBE, photometric="minisblack", planarconfig="contig", compression="zlib"
    ),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_tiff_of_five_channels_keeps_them_all(layout: str, tmp_path: Path) -> None:
    path = tmp_path / "cube.tif"
    LAYOUTS[layout](path)
    assert_array_equal(open_image(path, channels=5), CUBE)


def test_infrared_beside_colour_is_a_fourth_channel_not_opacity(tmp_path: Path) -> None:
    path = tmp_path / "satellite.tif"
    tifffile.imwrite(path, CUBE[..., :4], photometric="rgb", extrasamples=["unspecified"])
    assert_array_equal(open_image(path), CUBE[..., :4])


def test_16_bit_colour_in_a_tiff_keeps_its_bits(tmp_path: Path) -> None:
    values = np.random.default_rng(2).integers(0, 4096, (5, 6, 3), dtype=np.uint16)
    tifffile.imwrite(tmp_path / "raw.tif", values, photometric="rgb")
    assert_allclose(open_image(tmp_path / "raw.tif") * 65535, values, atol=0.01)


def test_of_many_pages_or_frames_the_first_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in (RED, GREEN, BLUE)]
    for name in ("pages.tif", "animated.gif", "animated.webp", "animated.png"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        assert_allclose(open_image(tmp_path / name)[0, 0], RED, atol=2)


def test_opacity_is_kept_for_models_that_take_four_channels(tmp_path: Path) -> None:
    path = tmp_path / "cut-out.png"
    pixels("RGBA", [(1, 2, 3, 4)]).save(path)
    assert_array_equal(open_image(path, channels=4), [[[1, 2, 3, 4]]])


def test_grey_is_repeated_and_colour_becomes_luma(tmp_path: Path, noise: NDArray) -> None:
    colour, grey = tmp_path / "colour.png", tmp_path / "grey.png"
    Image.fromarray(noise).save(colour)
    Image.fromarray(noise).convert("L").save(grey)
    luma = open_image(colour, channels=1)
    assert_array_equal(luma, open_image(grey))
    assert_array_equal(open_image(grey, channels=3), luma.repeat(3, axis=2))


def test_a_wrong_number_of_channels_names_both_numbers(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "cube.tif", CUBE)
    with pytest.raises(UnusableImage, match="channels is 5, but the model takes 3"):
        open_image(tmp_path / "cube.tif", channels=3)


# Where the four corners (0 1 / 2 3) are found when a picture is stored under each orientation.
STORED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: np.rot90(p, 1),
    7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
    8: lambda p: np.rot90(p, -1),
}


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "16-bit.tif"])
@pytest.mark.parametrize("orientation", STORED)
def test_all_eight_orientations_look_alike(
    orientation: int, suffix: str, tmp_path: Path, noise: NDArray
) -> None:
    path = tmp_path / f"photo.{suffix}"
    stored = np.ascontiguousarray(STORED[orientation](noise))
    if suffix == "16-bit.tif":
        tag = (274, "H", 1, orientation, True)
        tifffile.imwrite(path, stored.astype(np.uint16) * 257, photometric="rgb", extratags=[tag])
        assert_allclose(open_image(path) * 255, noise, atol=1e-4)
        return
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(stored).save(
        path, exif=exif, **({"lossless": True} if suffix == "webp" else {})
    )
    assert_array_equal(open_image(path), noise)


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0MM\0*\0\0\0\x08\0\1\1\x12\0\3\0\0\0\1\0\x63\0\0", b"Exif"]
)
def test_damaged_exif_leaves_the_picture_as_it_is(
    exif: bytes, tmp_path: Path, noise: NDArray
) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(noise).save(path, exif=exif)
    assert_array_equal(open_image(path), noise)


def png_that_claims(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 10))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("width", "height", "reason"),
    [
        (60_000, 60_000, "more pixels than Pillow's limit"),
        (9_000, 9_000, "9000 x 9000 pixels are more than loader.max_pixels, 64000000"),
        (1, 5_000, "one side is over 200 times the other"),
        (100, 100, "damaged"),
    ],
)
def test_bombs_are_refused_by_their_header(
    width: int, height: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if reason != "damaged":
        monkeypatch.setattr(PngImageFile, "load", None)  # nothing is unpacked
    path = tmp_path / "bomb.png"
    path.write_bytes(png_that_claims(width, height))
    with pytest.raises(UnusableImage, match=reason):
        open_image(path)


def test_a_tiff_that_claims_too_much_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, np.zeros((50, 64, 64), np.uint8), imagej=True, metadata={"axes": "CYX"})
    with pytest.raises(UnusableImage, match=r"204800 values .* loader.max_pixels"):
        open_image(path, how=Reading(max_pixels=50_000))


def test_a_file_of_too_many_bytes_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    path.write_bytes(b"\xff\xd8" + bytes(1000))
    with pytest.raises(UnusableImage, match="1002 bytes are more than loader"):
        open_image(path, how=Reading(max_bytes=1000))


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "dangling.jpg").symlink_to("nowhere")
    for path, reason in [
        (tmp_path / "pipe.jpg", "not a regular file"),
        (Path("/dev/zero"), "not a regular file"),
        (tmp_path, "directory"),
        (tmp_path / "dangling.jpg", "there is no such file"),
        (tmp_path / "nul\0byte.jpg", "null byte"),
    ]:
        with pytest.raises(UnusableImage, match=reason):
            open_image(path)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>404", "it is an HTML page, not one of JPEG, PNG"),
        (b"\n <svg xmlns='http://www.w3.org/2000/svg'/>", "it is an SVG drawing"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "it is PostScript"),
        (b"\0\0\0\x1cftypheic\0\0\0\0", "it is HEIC"),
        (b"\0\5\x16\7\0\2\0\0Mac OS X", "AppleDouble"),
        (b"hello", "it begins with b'hello'"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "damaged"),
    ],
)
def test_other_files_are_named_for_what_they_are(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(UnusableImage, match=reason):
        open_image(path)


def test_a_truncated_picture_is_refused_and_never_half_grey(tmp_path: Path, noise: NDArray) -> None:
    for suffix in ("jpg", "png", "webp", "bmp", "tif", "gif"):
        whole = tmp_path / f"whole.{suffix}"
        Image.fromarray(noise).save(whole)
        data = whole.read_bytes()
        for share in (0.1, 0.5, 0.9):
            cut = tmp_path / f"cut.{suffix}"
            cut.write_bytes(data[: int(len(data) * share)])
            with pytest.raises(UnusableImage):
                open_image(cut)


def test_a_truncated_multi_channel_tiff_is_refused(tmp_path: Path) -> None:
    whole, cut = tmp_path / "whole.tif", tmp_path / "cut.tif"
    tifffile.imwrite(whole, CUBE, photometric="minisblack", planarconfig="contig")
    cut.write_bytes(whole.read_bytes()[:-100])
    with pytest.raises(UnusableImage, match="truncated"):
        open_image(cut)


def test_a_tiff_with_missing_parts_is_not_filled_with_black(tmp_path: Path) -> None:
    path = tmp_path / "sparse.tif"
    tifffile.imwrite(path, CUBE, photometric="minisblack", planarconfig="contig")
    with tifffile.TiffFile(path, mode="r+") as tiff:
        tiff.pages[0].tags["StripByteCounts"].overwrite(0)
    with pytest.raises(UnusableImage, match="truncated"):
        open_image(path)


def examples(noise: NDArray) -> list[bytes]:
    """One file of each kind, as bytes."""
    files = []
    for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"):
        buffer = io.BytesIO()
        Image.fromarray(noise).save(buffer, kind)
        files.append(buffer.getvalue())
    for options in ({"imagej": True}, {"planarconfig": "separate", "photometric": "minisblack"}):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, noise.transpose(2, 0, 1).astype(np.uint16), **options)
        files.append(buffer.getvalue())
    return files


def test_whatever_the_bytes_only_unusable_image_is_raised(tmp_path: Path, noise: NDArray) -> None:
    random = np.random.default_rng(7)
    for example, original in enumerate(examples(noise)):
        for case in range(30):
            data = np.frombuffer(original, np.uint8).copy()
            # Half of the changes hit the headers, where they hurt.
            reach = 200 if random.random() < 0.5 else len(data)
            where = random.integers(0, min(reach, len(data)), random.integers(1, 8))
            data[where] = random.integers(0, 256, len(where))
            (tmp_path / f"{example}-{case}").write_bytes(data.tobytes())
    report = check(find_images(tmp_path), loader=Loader(workers=0, max_pixels=10**6))
    assert report.usable + len(report.unusable) == 8 * 30
    assert 20 < report.usable < 200
    # Our own mistakes would show up as the reason.
    assert not [reason for _, reason in report.unusable if "Type-check" in reason]


def test_every_type_of_number_becomes_uint8_or_float32(tmp_path: Path) -> None:
    for dtype in (np.uint8, np.uint16, np.int16, np.int32, np.uint32, np.float32, np.float64, bool):
        values = np.arange(-20, 20).reshape(5, 8).astype(dtype)
        tifffile.imwrite(tmp_path / "any.tif", values)
        picture = open_image(tmp_path / "any.tif")
        assert picture.dtype == (np.uint8 if dtype in (np.uint8, bool) else np.float32)
        assert np.isfinite(picture).all()


def test_the_error_crosses_processes_and_keeps_to_one_line() -> None:
    error = pickle.loads(pickle.dumps(UnusableImage("a\nb\x1b[31m.jpg", "it is odd")))
    assert str(error) == "a\\nb\\x1b[31m.jpg: it is odd"
    assert (error.path, error.reason) == ("a\\nb\\x1b[31m.jpg", "it is odd")


def test_every_odd_photograph_opens(shared: Path) -> None:
    folder = shared / "photos" / "odd"
    for path in sorted(folder.iterdir()):
        assert open_image(path, channels=3).shape[2] == 3


def test_orientation_examples_look_alike(shared: Path) -> None:
    paths = sorted((shared / "photos" / "open").glob("exif_Landscape_[1-8].jpg"))
    thumbnails = [
        np.asarray(Image.fromarray(open_image(path)).resize((16, 16)), dtype=float)
        for path in paths
    ]
    assert len(thumbnails) >= 8
    for other in thumbnails[1:]:
        assert np.abs(other - thumbnails[0]).mean() < 12
