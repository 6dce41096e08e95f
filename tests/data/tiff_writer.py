"""Writes TIFFs byte by byte, for variants that no library here writes."""

import struct

import numpy as np
from numpy.typing import NDArray

SHORT, LONG = 3, 4
Tags = dict[int, tuple[int, list[int]]]


def tiff_bytes(
    rows: NDArray[np.integer],
    *,
    bits: int,
    photometric: int | None = 1,
    order: str = "<",
    lowest_first: bool = False,
    extra: Tags | None = None,
    count: int | None = None,
    data: bytes | None = None,
) -> bytes:
    """A TIFF of one strip, of samples of any number of bits, uncompressed by default.

    Args:
        rows: Height x width, or height x width x samples.
        bits: Of a sample.
        photometric: Its tag; None leaves it out.
        order: Of bytes.
        lowest_first: Whether the lowest bit of a byte comes first (FillOrder 2).
        extra: More tags: type and values by number.
        count: What StripByteCounts says; None the truth, 0 leaves the tag out.
        data: The strip, where it is compressed as ``extra`` says.
    """
    height, width = rows.shape[:2]
    samples = 1 if rows.ndim == 2 else rows.shape[2]
    data = data or packed(rows.reshape(height, -1), bits, order, lowest_first)
    tags: Tags = {
        256: (LONG, [width]),
        257: (LONG, [height]),
        258: (SHORT, [bits] * samples),
        259: (SHORT, [1]),
        266: (SHORT, [2 if lowest_first else 1]),
        273: (LONG, [0]),
        277: (SHORT, [samples]),
        278: (LONG, [height]),
        279: (LONG, [len(data) if count is None else count]),
        **(extra or {}),
    }
    if photometric is not None:
        tags[262] = (SHORT, [photometric])
    if count == 0:
        del tags[279]
    return _file(tags, data, order)


def packed(rows: NDArray[np.integer], bits: int, order: str, lowest_first: bool) -> bytes:
    """Samples bit after bit; each row begins at a byte."""
    if bits in (16, 32):
        return rows.astype(f"{order}u{bits // 8}").tobytes()
    lines = []
    for row in rows:
        text = "".join(format(int(value), f"0{bits}b") for value in row)
        text += "0" * (-len(text) % 8)
        pieces = [text[i : i + 8] for i in range(0, len(text), 8)]
        lines.append(bytes(int(one[::-1] if lowest_first else one, 2) for one in pieces))
    return b"".join(lines)


def _file(tags: Tags, data: bytes, order: str) -> bytes:
    start = 8 + 2 + 12 * len(tags) + 4
    sizes = {SHORT: 2, LONG: 4}
    longer = sum(n for t, v in tags.values() if (n := len(v) * sizes[t]) > 4)
    tags = {**tags, 273: (LONG, [start + longer])}
    head, outside = b"", b""
    for number, (kind, values) in sorted(tags.items()):
        body = struct.pack(f"{order}{len(values)}{'H' if kind == SHORT else 'I'}", *values)
        if len(body) > 4:
            place, outside = start + len(outside), outside + body
            body = struct.pack(f"{order}I", place)
        head += struct.pack(f"{order}HHI", number, kind, len(values)) + body.ljust(4, b"\0")
    mark = b"II*\0" if order == "<" else b"MM\0*"
    first = struct.pack(f"{order}IH", 8, len(tags))
    return mark + first + head + struct.pack(f"{order}I", 0) + outside + data
