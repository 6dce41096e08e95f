"""The kernels against the definition: verified first, then timed. One command, one CSV.

    python benchmarks/kernels.py                     on the GPU, into benchmarks/results/kernels.csv
    python benchmarks/kernels.py --device cpu --images 8

Shapes are the stages of a model that sees 40 % of a 224 px image, and its whole maps. A time is a
median; ``share_of_copy`` compares the bytes that a pass must move with a copy on the same device.
"""

import argparse
import csv
import subprocess
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

import timing
import torch
from torch import Tensor

from fcmae.kernels import choice
from fcmae.kernels.depthwise import depthwise
from fcmae.kernels.gelu_grn import gelu_grn
from fcmae.kernels.layer_norm import layer_norm
from fcmae.kernels.tiles import MapTiles
from fcmae.model.layout import Visible
from fcmae.model.options import architecture

TYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
TOLERANCE = {torch.float32: 2e-5, torch.float16: 2e-3, torch.bfloat16: 1e-2}  # of the largest value
EPS = 1e-6
GRID, VISIBLE = 7, 20
FIELDS = [
    "device", "torch", "commit", "operation", "layout", "images", "positions", "channels", "type",
    "pass", "kernels", "ms", "reference_ms", "speedup", "share_of_copy",
]  # fmt: skip

Function = Callable[..., Tensor]


def main() -> None:
    """Every operation, stage, layout and type."""
    args = parse()
    device = torch.device(args.device)
    with choice.using("auto"):
        print(f"{name_of(device)}, kernels: {choice.describe(device.type)}")
    copied = copy_speed(device)
    print(f"a copy moves {copied / 1e9:.0f} GB/s")
    args.out.parent.mkdir(parents=True, exist_ok=True)
    with args.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        for row in rows(args, device, copied):
            writer.writerow(row)
            file.flush()
            print({name: row[name] for name in FIELDS[3:]})


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--model", default="base")
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--types", nargs="+", choices=TYPES, default=["bfloat16", "float32"])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--out", type=Path, default=timing.RESULTS / "kernels.csv")
    args = parser.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no GPU here; --device cpu times the kernels for the CPU.")
    return args


def rows(args: argparse.Namespace, device: torch.device, copied: float):  # type: ignore[no-untyped-def]
    """One dictionary per pass of an operation."""
    common = {
        "device": name_of(device),
        "torch": torch.__version__,
        "commit": subprocess.check_output(
            ["git", "rev-parse", "--short", "HEAD"], text=True
        ).strip(),
    }
    for stage, channels in enumerate(architecture(args.model).dims):
        side = 8 >> stage
        for layout, tiles in layouts(args.images, side, device).items():
            positions = (VISIBLE if layout == "visible" else GRID**2) * side**2
            for name in args.types:
                shape = (args.images, positions, channels)
                for operation, (function, leaves) in operations(shape, tiles, device).items():
                    x, *parameters = leaves
                    x = x.to(TYPES[name])
                    verify(operation, function, [x[:2], *parameters])
                    for passed, taken in times(
                        function, [x, *parameters], copied, args.rounds
                    ).items():
                        yield common | taken | {
                            "operation": operation, "layout": layout, "type": name,
                            "images": args.images, "positions": positions,
                            "channels": x.shape[-1], "pass": passed,
                            "kernels": choice.implementation(x),
                        }  # fmt: skip


def layouts(images: int, side: int, device: torch.device) -> dict[str, MapTiles]:
    """Visible patches drawn at random, and the whole map."""
    drawn = torch.stack([torch.randperm(GRID**2)[:VISIBLE] for _ in range(images)])
    visible = Visible(drawn.sort(dim=1).values.to(device), (GRID, GRID), side)
    return {"visible": visible.tiles, "whole": MapTiles.whole(GRID * side, GRID * side)}


def operations(
    shape: tuple[int, int, int], tiles: MapTiles, device: torch.device
) -> dict[str, tuple[Function, list[Tensor]]]:
    """Each operation with its inputs."""
    n, p, c = shape
    draw = partial(torch.randn, device=device)

    def convolve(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        return depthwise(x, weight, bias, of_first(tiles, len(x)))

    return {
        "depthwise": (convolve, [draw(n, p, c), draw(c, 1, 7, 7), draw(c)]),
        "gelu_grn": (partial(gelu_grn, eps=EPS), [draw(n, p, 4 * c), draw(4 * c), draw(4 * c)]),
        "layer_norm": (partial(layer_norm, eps=EPS), [draw(n, p, c), draw(c), draw(c)]),
    }


def of_first(tiles: MapTiles, images: int) -> MapTiles:
    """The tiles of the first images."""
    if tiles.patches is None or len(tiles.patches) == images:
        return tiles
    side = tiles.tile_height
    return Visible(tiles.patches[:images], (tiles.height // side, tiles.width // side), side).tiles


def verify(operation: str, function: Function, leaves: list[Tensor]) -> None:
    """End the program if outputs or gradients are not those of the definition in float64."""
    with choice.using("auto"):
        ours = gradients(function, leaves)
    with choice.using("reference"):
        right = gradients(function, [leaf.double() for leaf in leaves])
    for mine, exact in zip(ours, right, strict=True):
        error = float((mine.double() - exact).abs().max() / exact.abs().max())
        if not error < TOLERANCE[leaves[0].dtype]:
            raise SystemExit(f"{operation} on {tuple(leaves[0].shape)} is wrong: error {error:.1e}")


def gradients(function: Function, leaves: list[Tensor]) -> list[Tensor]:
    """The output and all gradients, for an upstream gradient that both sides share."""
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    y = function(*leaves)
    upstream = torch.linspace(-1, 1, y.numel(), device=y.device, dtype=torch.float64).cos()
    return [y.detach(), *torch.autograd.grad(y, leaves, upstream.view(y.shape).to(y.dtype))]


def times(
    function: Function, leaves: list[Tensor], copied: float, rounds: int
) -> dict[str, dict[str, object]]:
    """Forward and backward, ours and the definition taking turns."""
    tensor_bytes = leaves[0].numel() * leaves[0].element_size()
    at_least = {"forward": 2 * tensor_bytes, "backward": 3 * tensor_bytes}
    names = ("auto", "reference")
    steps = {name: passes(function, leaves, name) for name in names}
    measured = {}
    for which, moved in at_least.items():
        taken: dict[str, list[float]] = {name: [] for name in names}
        for turn in range(rounds + 3):
            for name in names:
                seconds = seconds_of(steps[name][which], leaves[0].device)
                if turn >= 3:  # the first turns compile and choose block sizes
                    taken[name].append(seconds)
        ours, theirs = (median(taken[name]) for name in names)
        measured[which] = {
            "ms": round(1e3 * ours, 4),
            "reference_ms": round(1e3 * theirs, 4),
            "speedup": round(theirs / ours, 2),
            "share_of_copy": round(moved / ours / copied, 3),
        }
    return measured


def passes(
    function: Function, leaves: list[Tensor], kernels: choice.Kernels
) -> dict[str, Callable[[], object]]:
    """Calls that compute one pass each, under autocast as in a training step."""
    leaves = [leaf.clone().requires_grad_() for leaf in leaves]
    dtype = leaves[0].dtype

    def compute() -> Tensor:
        cast = torch.autocast(leaves[0].device.type, dtype, enabled=dtype != torch.float32)
        with choice.using(kernels), cast:
            return function(*leaves)

    def forward() -> None:
        with torch.no_grad():
            compute()

    y = compute()
    upstream = torch.randn_like(y)

    return {
        "forward": forward,
        "backward": lambda: torch.autograd.grad(y, leaves, upstream, retain_graph=True),
    }


def seconds_of(call: Callable[[], object], device: torch.device) -> float:
    """What a call takes on its device, with nothing of its inputs in the cache of a GPU."""
    if device.type != "cuda":
        begun = time.perf_counter()
        call()
        return time.perf_counter() - begun
    torch.empty(2**28, dtype=torch.int8, device=device).zero_()
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    call()
    end.record()
    torch.cuda.synchronize(device)
    return start.elapsed_time(end) / 1e3


def copy_speed(device: torch.device) -> float:
    """Bytes that a copy on the device reads and writes per second."""
    source = torch.randn(2**28 if device.type == "cuda" else 2**25, device=device)
    target = torch.empty_like(source)
    seconds = median(seconds_of(lambda: target.copy_(source), device) for _ in range(10))
    return 2 * source.numel() * source.element_size() / seconds


def name_of(device: torch.device) -> str:
    """The device, for people."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{device.type}, {torch.get_num_threads()} threads"


if __name__ == "__main__":
    main()
