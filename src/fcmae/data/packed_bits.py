"""Samples that lie bit after bit, as those of 10, 12 and 14 bits of cameras do."""

from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray

from fcmae.data.modes import Refused

WHOLE = (8, 16, 32, 64)
LOWEST_BIT_FIRST = 2


def is_packed(page: Any) -> bool:
    """Returns whether unsigned samples of a page of tifffile fill no whole bytes."""
    bits = page.bitspersample
    return page.dtype is not None and page.dtype.kind == "u" and bits not in WHOLE


def unpacked(tiff: tifffile.TiffFile, page: Any) -> NDArray[Any]:
    """The samples of a page, height x width x samples; every row begins at a whole byte."""
    keyframe = page.keyframe
    if keyframe.predictor != 1 or keyframe.planarconfig != 1:
        raise Refused(
            f"samples of {keyframe.bitspersample} bits with a predictor or in planes: save it "
            "with 8 or 16 bits"
        )
    height, width = keyframe.imagelength, keyframe.imagewidth
    samples = keyframe.samplesperpixel
    tall, wide = (
        (keyframe.tilelength, keyframe.tilewidth)
        if keyframe.is_tiled
        else (keyframe.rowsperstrip, width)
    )
    whole = np.zeros((height, width, samples), keyframe.dtype)
    columns = -(-width // wide)
    places = zip(page.dataoffsets, page.databytecounts, strict=True)
    for number, (offset, count) in enumerate(places):
        top, left = number // columns * tall, number % columns * wide
        rows = tall if keyframe.is_tiled else min(tall, height - top)
        piece = _rows(_bytes(tiff, keyframe, offset, count), keyframe, rows, wide * samples)
        piece = piece.reshape(rows, wide, samples)[: height - top, : width - left]
        whole[top : top + len(piece), left : left + piece.shape[1]] = piece
    return whole


def _bytes(tiff: tifffile.TiffFile, page: Any, offset: int, count: int) -> bytes:
    tiff.filehandle.seek(offset)
    data: bytes = tiff.filehandle.read(count)
    return data if page.compression == 1 else tifffile.TIFF.DECOMPRESSORS[page.compression](data)


def _rows(data: bytes, page: Any, rows: int, numbers: int) -> NDArray[Any]:
    """So many rows of so many numbers."""
    depth = page.bitspersample
    row_bytes = -(-numbers * depth // 8)
    if len(data) < rows * row_bytes:
        raise Refused("truncated: its pixels do not fill its rows")
    order: Literal["little", "big"] = "little" if page.fillorder == LOWEST_BIT_FIRST else "big"
    # The bits of a byte from the lowest are those of a byte turned around from the highest.
    lines = np.frombuffer(data, np.uint8, rows * row_bytes).reshape(rows, row_bytes)
    bits = np.unpackbits(lines, axis=1, bitorder=order)[:, : numbers * depth]
    weights = 2 ** np.arange(depth - 1, -1, -1, dtype=np.uint32)
    values: NDArray[Any] = bits.reshape(rows, numbers, depth).astype(np.uint32) @ weights
    return values.astype(page.dtype)
