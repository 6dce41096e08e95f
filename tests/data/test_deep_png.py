"""PNG of 16 bits keeps all of them, in grey and in colour."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from fcmae.data.image import open_for, open_image
from fcmae.data.region import Region

KINDS = {1: 0, 2: 4, 3: 2, 4: 6}
"""Colour type of a PNG by its samples."""


def deep_png(pixels: NDArray[np.uint16], key: tuple[int, ...] = (), *, up: bool = False) -> bytes:
    """A PNG of 16 bits; ``up`` has each row told by its difference to the one above."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    height, width, samples = pixels.shape
    rows = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    if up:
        rows = np.diff(rows, axis=0, prepend=np.zeros_like(rows[:1]))
    lines = np.concatenate([np.full((height, 1), 2 if up else 0, np.uint8), rows], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 16, KINDS[samples], 0, 0, 0)
    clear = chunk(b"tRNS", struct.pack(f">{len(key)}H", *key)) if key else b""
    significant = chunk(b"sBIT", bytes([12] * samples)) + chunk(b"gAMA", struct.pack(">I", 100000))
    data = chunk(b"IDAT", zlib.compress(lines.tobytes()))
    start = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    return start + significant + clear + data + chunk(b"IEND", b"")


PIXELS = np.random.default_rng(0).integers(0, 65536, (9, 11, 4)).astype(np.uint16)


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("up", [False, True])
def test_colour_of_16_bits_loses_none(samples: int, up: bool, tmp_path: Path) -> None:
    pixels = PIXELS[..., :samples]
    (tmp_path / "deep.png").write_bytes(deep_png(pixels, up=up))
    for channels in (None, samples):
        picture = open_image(tmp_path / "deep.png", channels=channels)
        assert picture.dtype == np.float32
        assert_allclose(picture, pixels / 65535, atol=1e-7)
    region = Region(box=(0, 0, 11, 9), size=(9, 11))
    read = open_for(lambda height, width: [region], tmp_path / "deep.png", channels=samples)
    assert_allclose(np.asarray(read.pixels), pixels / 65535, atol=1e-7)


@pytest.mark.parametrize("samples", [2, 4])
def test_opacity_of_16_bits_is_laid_on_white(samples: int, tmp_path: Path) -> None:
    pixels = PIXELS[..., :samples]
    (tmp_path / "deep.png").write_bytes(deep_png(pixels))
    shares = pixels / 65535
    colour, opacity = shares[..., :-1], shares[..., -1:]
    white = colour * opacity + 1 - opacity
    assert_allclose(open_image(tmp_path / "deep.png"), white, atol=1e-6)
    assert_allclose(open_image(tmp_path / "deep.png", channels=samples), shares, atol=1e-6)


@pytest.mark.parametrize("samples", [1, 3])
def test_a_transparent_colour_is_white_only_where_all_bits_agree(
    samples: int, tmp_path: Path
) -> None:
    pixels = PIXELS[..., :samples].copy()
    pixels[2, 3] = 4660
    pixels[2, 4] = 4661  # the same upper bits
    (tmp_path / "deep.png").write_bytes(deep_png(pixels, key=(4660,) * samples))
    expected = pixels / 65535
    expected[2, 3] = 1
    assert_allclose(open_image(tmp_path / "deep.png"), expected, atol=1e-6)
