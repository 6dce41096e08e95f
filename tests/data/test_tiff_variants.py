"""One rule for all TIFFs: read whole, read by windows, and what was written agree."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from numpy.typing import NDArray
from PIL import Image
from tiff_writer import SHORT, Tags, tiff_bytes

from fcmae.data.image import UnusableImage, open_image, upright_size
from fcmae.data.options import Reading
from fcmae.data.tiles import Window, open_regions

TYPES = ["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8"]
MARK = 7
"""Marks missing pixels in these files."""


def numbers(shape: tuple[int, ...], dtype: str, seed: int = 0) -> NDArray[Any]:
    """Random numbers over much of the type, some of them ``MARK``."""
    random = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        values = random.normal(0, 100, shape).astype(kind)
    else:
        limits = np.iinfo(kind)
        values = random.integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)
    values[random.random(shape) < 0.1] = MARK
    return values


def meaning(values: NDArray[Any], *, turned: bool = False, marked: bool = False) -> NDArray[Any]:
    """What numbers become by the table of the front door, told once more."""
    shown = values.copy()
    if turned and values.dtype.kind == "u":  # the first is grey, others are bands
        shown[..., 0] = np.iinfo(values.dtype).max - values[..., 0]
    holes = values == MARK if marked else np.zeros(values.shape, bool)
    if values.dtype == np.uint8 and not holes.any():
        return shown
    full = 1 if values.dtype.kind == "f" else 255 if values.dtype == np.uint8 else 65535
    floats = (shown.astype(np.float64) / full).astype(np.float32)
    floats[holes] = np.nan
    return floats


def unit(picture: NDArray[Any]) -> NDArray[np.float32]:
    """A picture in units of its scale: a part without missing pixels may be of 8 bits."""
    return picture.astype(np.float32) / (255 if picture.dtype == np.uint8 else 1)


def check_read(path: Path, expected: NDArray[Any], how: Reading = Reading()) -> None:  # noqa: B008
    """The file whole and by windows is what is expected, height x width x channels."""
    channels = expected.shape[2]
    for wanted in (None, channels):
        picture = open_image(path, channels=wanted, how=how)
        assert picture.dtype == expected.dtype
        close(picture, expected)
    assert upright_size(path, how=how) == expected.shape[:2]
    with open_regions(path, channels=channels, how=how) as regions:
        assert regions.size == expected.shape[:2]
        height, width = regions.size
        for box in [(0, 0, height, width), (height // 3, width // 4, height // 2, width // 2)]:
            window = Window(top=box[0], left=box[1], height=box[2], width=box[3])
            close(unit(regions.read(window)), unit(expected[window.slices]))


def close(picture: NDArray[Any], expected: NDArray[Any]) -> None:
    np.testing.assert_allclose(picture, expected, rtol=1e-6, atol=1e-7)


@st.composite
def written(draw: Callable[..., Any]) -> dict[str, Any]:
    """A way to write a TIFF that tifffile has, and GDAL, ImageJ and libtiff have too."""
    samples = draw(st.sampled_from([1, 1, 2, 3, 4, 5]))
    dtype = draw(st.sampled_from(TYPES))
    tiled = draw(st.booleans())
    compression = draw(st.sampled_from([None, "zlib", "lzma"]))
    predictor = compression == "zlib" and np.dtype(dtype).kind in "ui"
    predictor = predictor and np.dtype(dtype).itemsize < 8 and draw(st.booleans())
    photometric = draw(st.sampled_from(["minisblack", "miniswhite"]))
    return {
        "samples": samples,
        "dtype": dtype,
        "size": draw(st.tuples(st.integers(2, 40), st.integers(2, 40))),
        "marked": draw(st.booleans()),
        "orientation": draw(st.sampled_from([1, 1, 1, 3, 6, 8])),
        "how": {
            "photometric": "rgb" if samples == 3 else photometric,
            "planarconfig": draw(st.sampled_from(["contig", "separate"])) if samples > 1 else None,
            "byteorder": draw(st.sampled_from("<>")),
            "bigtiff": draw(st.booleans()),
            "compression": compression,
            "predictor": predictor,
            **({"tile": (16, 16)} if tiled else {"rowsperstrip": draw(st.integers(1, 50))}),
        },
    }


def check_written(path: Path, variant: dict[str, Any]) -> None:
    """Write a file as a variant says, and read it in every way."""
    samples, how, place = variant["samples"], variant["how"], variant["orientation"]
    values = numbers((*variant["size"], samples), variant["dtype"])
    planar = how["planarconfig"] == "separate"
    stored = np.moveaxis(values, -1, 0).copy() if planar else values
    stored = stored.reshape(variant["size"]) if samples == 1 else stored
    tags = [(274, "H", 1, place, True)]
    if variant["marked"]:
        tags.append((42113, "s", 0, str(MARK), True))
    extras = {"extrasamples": ["unspecified"] * (samples - 1)} if samples not in (1, 3) else {}
    tifffile.imwrite(path, stored, metadata=None, extratags=tags, **how, **extras)
    read = tifffile.imread(path)
    assert_array_equal(read, stored)
    turned = how["photometric"] == "miniswhite"
    expected = meaning(values, turned=turned, marked=variant["marked"])
    check_read(
        path,
        {
            1: expected,
            3: np.rot90(expected, 2),
            6: np.rot90(expected, -1),
            8: np.rot90(expected, 1),
        }[place],
    )


@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(variant=written())
def test_a_tiff_means_the_same_however_it_is_written(
    tmp_path: Path, variant: dict[str, Any]
) -> None:
    check_written(tmp_path / "variant.tif", variant)


@pytest.mark.full
@settings(
    max_examples=600,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(variant=written())
def test_many_more_variants_mean_the_same(tmp_path: Path, variant: dict[str, Any]) -> None:
    check_written(tmp_path / "variant.tif", variant)


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 6, 8, 10, 12, 14, 16, 24, 32])
@pytest.mark.parametrize("photometric", [0, 1, None])
@pytest.mark.parametrize("lowest_first", [False, True])
def test_samples_of_any_number_of_bits_are_told_apart(
    bits: int, photometric: int | None, lowest_first: bool, tmp_path: Path
) -> None:
    full = 2**bits - 1
    values = np.random.default_rng(0).integers(0, full, (5, 7), endpoint=True)
    if lowest_first and bits > 8 and bits in (16, 24, 32):
        pytest.skip("turning the bits of whole bytes is the same as for 8 bits")
    path = tmp_path / "depth.tif"
    path.write_bytes(
        tiff_bytes(values, bits=bits, photometric=photometric, lowest_first=lowest_first)
    )
    shown = full - values if photometric == 0 else values
    if bits <= 8:
        expected = np.round(shown * (255 / full)).astype(np.uint8)
    else:
        expected = (shown / 65535).astype(np.float32)
    check_read(path, expected[..., None])


@pytest.mark.parametrize("dtype", ["i2", "i4", "f4", "f8"])
def test_numbers_without_a_whitest_are_never_turned(dtype: str, tmp_path: Path) -> None:
    values = numbers((6, 9, 1), dtype)
    for photometric in ("minisblack", "miniswhite"):
        tifffile.imwrite(tmp_path / "signed.tif", values[..., 0], photometric=photometric)
        check_read(tmp_path / "signed.tif", meaning(values))


BY_PILLOW = {
    "1 bit": ("1", "u1", ["group3", "group4", "tiff_lzw", "packbits", "tiff_ccitt"]),
    "8 bits": ("L", "u1", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "raw"]),
    "16 bits": ("I;16", "u2", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "raw"]),
    "float": ("F", "f4", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "raw"]),
    "RGB": ("RGB", "u1", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "raw"]),
}


@pytest.mark.parametrize("white", [None, 0], ids=["0 is black", "0 is white"])
@pytest.mark.parametrize("kind", BY_PILLOW)
def test_what_pillow_compresses_is_what_it_was(
    kind: str, white: int | None, tmp_path: Path
) -> None:
    mode, dtype, compressions = BY_PILLOW[kind]
    samples = 3 if mode == "RGB" else 1
    values = numbers((20, 30, samples), dtype)
    for compression in compressions:
        path = tmp_path / f"{compression}.tif"
        stored = values > 127 if mode == "1" else values
        stored = stored[..., 0] if samples == 1 else stored
        more = {"tiffinfo": {262: 0}} if white == 0 and mode != "RGB" else {}
        Image.fromarray(stored).save(path, compression=compression, **more)
        # Of up to 8 bits Pillow turns what it writes.
        turned = white == 0 and mode == "I;16"
        expected = np.where(values > 127, 255, 0).astype(np.uint8) if mode == "1" else values
        check_read(path, meaning(expected, turned=turned))


def lzw(values: NDArray[Any]) -> bytes:
    """The bytes of numbers as libtiff compresses them, which tifffile alone does not."""
    flat, buffer = values.view(np.uint8).reshape(1, -1), io.BytesIO()
    Image.fromarray(flat).save(buffer, "TIFF", compression="tiff_lzw")
    buffer.seek(0)
    with tifffile.TiffFile(buffer) as tiff:
        [offset], [count] = tiff.pages[0].dataoffsets, tiff.pages[0].databytecounts
    return buffer.getvalue()[offset : offset + count]


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("samples", [1, 3, 4])
@pytest.mark.parametrize("photometric", [0, 1])
def test_lzw_of_16_bits_loses_none(
    samples: int, photometric: int, order: str, tmp_path: Path
) -> None:
    values = numbers((20, 30, samples), "u2")
    kind = 2 if samples >= 3 else photometric
    extra: Tags = {259: (SHORT, [5])} | ({34735: (SHORT, [1, 1, 0, 0])} if samples == 4 else {})
    extra |= {338: (SHORT, [2])} if samples == 4 else {}
    data = lzw(values.astype(f"{order}u2"))
    path = tmp_path / "lzw.tif"
    path.write_bytes(
        tiff_bytes(values, bits=16, photometric=kind, order=order, extra=extra, data=data)
    )
    if (kind, order, samples) == (0, ">", 1):  # Pillow has no name for these
        with pytest.raises(UnusableImage, match="needs another package"):
            open_image(path)
        return
    check_read(path, meaning(values, turned=kind == 0))


def test_lzw_of_more_than_pillow_reads_names_the_package(tmp_path: Path) -> None:
    values = numbers((20, 30, 5), "u2")
    extra: Tags = {259: (SHORT, [5]), 338: (SHORT, [0] * 4)}
    data = tiff_bytes(values, bits=16, extra=extra, data=lzw(values))
    (tmp_path / "lzw.tif").write_bytes(data)
    with pytest.raises(UnusableImage, match=r"compression \(LZW\) needs another package"):
        open_image(tmp_path / "lzw.tif")
