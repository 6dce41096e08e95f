"""The depthwise 7 x 7 convolution on the GPU: output (and input gradient) and weight gradient.

Axes of a block are positions and channels. A thread computes a *unit*, some neighbouring outputs of
a tile, for a few channels, and keeps their sums in registers: an input is loaded once for all
windows of a run that it lies in. Neighbours are found through ``rows``, which says for each place
of the map where among an image's positions it lies, -1 if it is hidden.

All sums are float32. An output adds up its taps in raster order, and a gradient its units in their
order, whatever the block sizes are.
"""

from typing import Any, no_type_check

import torch
import triton
import triton.language as tl
from torch import Tensor

from fcmae.kernels.triton.tuning import launch, tuned

K = tl.constexpr(7)
PAD = tl.constexpr(3)
TAP_ROWS = tl.constexpr(4)
"""Rows of taps whose gradient a program sums: 28 sums of a thread fit its registers, 49 do not."""
OUTPUTS = 8
"""Most outputs of a unit in the forward pass."""
RUN = 4
"""Most positions of a unit in the weight gradient."""
UNITS_PER_LANE = 16
"""A partial sum of the weight gradient is over as many units at least: fewer would make the partial
sums larger than what they are made from."""
PARTIAL_SUMS = 2**17
"""Lanes times channels, at most: enough to keep a GPU busy, and 26 MB."""
KEY = ["CHANNELS", "HEIGHT", "WIDTH", "TILE_H", "TILE_W", "positions"]


def convolve(
    x: Tensor,
    taps: Tensor,
    bias: Tensor | None,
    patches: Tensor | None,
    rows: Tensor | None,
    sides: list[int],
) -> Tensor:
    """The convolution; arguments as ``fcmae.kernels.depthwise`` has them."""
    y = torch.empty_like(x)
    where = _Where(x, patches, rows, sides, OUTPUTS)

    def grid(block: dict[str, Any]) -> tuple[int, int]:
        return triton.cdiv(where.units, block["UNITS"]), triton.cdiv(x.shape[2], block["BLOCK"])

    launch(_convolve, grid, x, taps, bias, y, **where.arguments)
    return y


def correlate(
    x: Tensor, grad: Tensor, patches: Tensor | None, rows: Tensor | None, sides: list[int]
) -> Tensor:
    """Gradients of the taps, and of the bias in the last row."""
    channels = x.shape[2]
    where = _Where(x, patches, rows, sides, RUN, height=1)
    lanes = max(1, min(where.units // UNITS_PER_LANE, PARTIAL_SUMS // channels))
    steps = triton.cdiv(where.units, lanes)
    parts = x.new_empty(lanes, 7 * 7 + 1, channels, dtype=torch.float32)

    def grid(block: dict[str, Any]) -> tuple[int, int, int]:
        return triton.cdiv(lanes, block["LANES"]), triton.cdiv(channels, block["BLOCK"]), 2

    launch(_correlate, grid, x, grad, parts, lanes, steps, **where.arguments)
    return parts.sum(0)


class _Where:
    """The geometry as kernels take it: sizes are compiled in, counts are not."""

    def __init__(
        self,
        x: Tensor,
        patches: Tensor | None,
        rows: Tensor | None,
        sides: list[int],
        outputs: int,
        *,
        height: int | None = None,
    ) -> None:
        map_height, map_width, tile_height, tile_width = sides
        across = max(1, triton.cdiv(tile_width, outputs))
        width = triton.cdiv(tile_width, across)
        height = height or max(1, min(tile_height, outputs // width))
        # A unit may reach over the end of the map, where it finds nothing, but not of a patch.
        assert patches is None or tile_height % height == tile_width % width == 0
        tiles = 1 if patches is None else patches.shape[1]
        self.units = len(x) * tiles * across * triton.cdiv(tile_height, height)
        self.arguments: dict[str, Any] = {
            "patches": patches,
            "rows": rows,
            "units": self.units,
            "tiles": tiles,
            "positions": x.shape[1],
            "CHANNELS": x.shape[2],
            "HEIGHT": map_height,
            "WIDTH": map_width,
            "TILE_H": tile_height,
            "TILE_W": tile_width,
            "UNIT_H": height,
            "UNIT_W": width,
        }


@triton.jit
@no_type_check
def _corner(
    unit, patches, units, tiles,
    WIDTH: tl.constexpr, TILE_H: tl.constexpr, TILE_W: tl.constexpr,
    UNIT_H: tl.constexpr, UNIT_W: tl.constexpr,
):  # fmt: skip
    """A unit's image and its first place on the map; beyond the last unit, those of the last."""
    unit = tl.minimum(unit, units - 1)
    across: tl.constexpr = (TILE_W + UNIT_W - 1) // UNIT_W
    down: tl.constexpr = (TILE_H + UNIT_H - 1) // UNIT_H
    tile = unit // (across * down)
    top = unit // across % down * UNIT_H
    left = unit % across * UNIT_W
    if patches is not None:
        patch = tl.load(patches + tile).to(tl.int32)
        top += patch // (WIDTH // TILE_W) * TILE_H
        left += patch % (WIDTH // TILE_W) * TILE_W
    return tile // tiles, top, left


@triton.jit
@no_type_check
def _run(
    image, y, x, rows, positions,
    CHANNELS: tl.constexpr, HEIGHT: tl.constexpr, WIDTH: tl.constexpr, LENGTH: tl.constexpr,
):  # fmt: skip
    """Offsets of neighbouring places of a row, and a mask of those that exist."""
    first = image.to(tl.int64) * positions
    on_map = (y >= 0) & (y < HEIGHT)
    begin = ()
    exist = ()
    for i in tl.static_range(LENGTH):
        inside = on_map & (x >= -i) & (x < WIDTH - i)
        row = y * WIDTH + x + i
        if rows is not None:
            row = tl.load(rows + image * (HEIGHT * WIDTH) + row, mask=inside, other=-1)
            inside = row >= 0
        begin = begin + ((first + row) * CHANNELS,)
        exist = exist + (inside,)
    return begin, exist


@tuned(
    ["UNITS", "BLOCK"],
    [(4, 32, 1), (8, 32, 2), (4, 64, 2), (8, 64, 4), (4, 128, 4)],
    key=KEY,
)
@triton.jit
@no_type_check
def _convolve(
    x, taps, bias, y, patches, rows, units, tiles, positions,
    CHANNELS: tl.constexpr, HEIGHT: tl.constexpr, WIDTH: tl.constexpr,
    TILE_H: tl.constexpr, TILE_W: tl.constexpr, UNIT_H: tl.constexpr, UNIT_W: tl.constexpr,
    UNITS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    unit = tl.program_id(0) * UNITS + tl.arange(0, UNITS)[:, None]
    image, top, left = _corner(unit, patches, units, tiles, WIDTH, TILE_H, TILE_W, UNIT_H, UNIT_W)
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)[None, :]
    # Parameters are loaded in the shape of the block: all threads have theirs, none asks another.
    own = tl.broadcast_to(channel, [UNITS, BLOCK])
    exists = (unit < units) & (channel < CHANNELS)

    start = tl.zeros([UNITS, BLOCK], tl.float32)
    if bias is not None:
        start += tl.load(bias + own, mask=own < CHANNELS, other=0.0)
    sums = ()
    for _ in tl.static_range(UNIT_H * UNIT_W):
        sums = sums + (start,)

    for dy in range(K):
        weights = ()
        for dx in tl.static_range(K):
            at = taps + (dy * K + dx) * CHANNELS + own
            weights = weights + (tl.load(at, mask=own < CHANNELS, other=0.0),)
        added = ()
        for r in tl.static_range(UNIT_H):
            begin, there = _run(
                image, top + (r + dy - PAD), left - PAD, rows, positions,
                CHANNELS, HEIGHT, WIDTH, UNIT_W + K - 1,
            )  # fmt: skip
            line = ()
            for j in tl.static_range(UNIT_W + K - 1):
                value = tl.load(x + begin[j] + channel, mask=exists & there[j], other=0.0)
                line = line + (value.to(tl.float32),)
            for s in tl.static_range(UNIT_W):
                total = sums[r * UNIT_W + s]
                for dx in tl.static_range(K):
                    total = tl.fma(line[s + dx], weights[dx], total)
                added = added + (total,)
        sums = added

    for r in tl.static_range(UNIT_H):
        begin, there = _run(image, top + r, left, rows, positions, CHANNELS, HEIGHT, WIDTH, UNIT_W)
        for s in tl.static_range(UNIT_W):
            tl.store(y + begin[s] + channel, sums[r * UNIT_W + s], mask=exists & there[s])


@tuned(
    ["LANES", "BLOCK"],
    [(2, 32, 1), (1, 64, 1), (4, 32, 2), (2, 64, 2), (2, 128, 4)],
    key=KEY,
)
@triton.jit
@no_type_check
def _correlate(
    x, grad, parts, lanes, steps, patches, rows, units, tiles, positions,
    CHANNELS: tl.constexpr, HEIGHT: tl.constexpr, WIDTH: tl.constexpr,
    TILE_H: tl.constexpr, TILE_W: tl.constexpr, UNIT_H: tl.constexpr, UNIT_W: tl.constexpr,
    LANES: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    lane = tl.program_id(0) * LANES + tl.arange(0, LANES)[:, None]
    channel = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)[None, :]
    first_tap_row = tl.program_id(2) * TAP_ROWS
    ours = (lane < lanes) & (channel < CHANNELS)

    zero = tl.zeros([LANES, BLOCK], tl.float32)
    sums = ()
    for _ in tl.static_range(TAP_ROWS * K):
        sums = sums + (zero,)
    bias = zero

    for step in range(steps):
        unit = lane * steps + step
        image, top, left = _corner(
            unit, patches, units, tiles, WIDTH, TILE_H, TILE_W, UNIT_H, UNIT_W
        )
        exists = ours & (unit < units)
        begin, there = _run(image, top, left, rows, positions, CHANNELS, HEIGHT, WIDTH, UNIT_W)
        upstream = ()
        for s in tl.static_range(UNIT_W):
            value = tl.load(grad + begin[s] + channel, mask=exists & there[s], other=0.0)
            upstream = upstream + (value.to(tl.float32),)
            bias += upstream[s]
        added = ()
        for dy in tl.static_range(TAP_ROWS):
            begin, there = _run(
                image, top + (first_tap_row + dy - PAD), left - PAD, rows, positions,
                CHANNELS, HEIGHT, WIDTH, UNIT_W + K - 1,
            )  # fmt: skip
            line = ()
            for j in tl.static_range(UNIT_W + K - 1):
                value = tl.load(x + begin[j] + channel, mask=exists & there[j], other=0.0)
                line = line + (value.to(tl.float32),)
            for dx in tl.static_range(K):
                total = sums[dy * K + dx]
                for s in tl.static_range(UNIT_W):
                    total = tl.fma(line[s + dx], upstream[s], total)
                added = added + (total,)
        sums = added

    out = parts + lane.to(tl.int64) * ((K * K + 1) * CHANNELS) + channel
    for tap in tl.static_range(TAP_ROWS * K):
        at = first_tap_row * K + tap
        if at < K * K:
            tl.store(out + at * CHANNELS, sums[tap], mask=ours)
    if first_tap_row == 0:
        tl.store(out + K * K * CHANNELS, bias, mask=ours)
