"""How near the CPU's limits each operation of a step comes: the roofline, as numbers.

    python benchmarks/roofline.py --model atto --images 8

The limits are measured too: a large product in each type, and a copy of what no cache holds. Shapes
are the stages of a model on whole 224 px images. Rows go to ``benchmarks/results/roofline.csv``.
"""

import argparse
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter

import timing
import torch
from torch import Tensor

from fcmae.engine.memory import keep_freed_memory
from fcmae.kernels.depthwise import depthwise
from fcmae.kernels.linear import linear
from fcmae.kernels.tiles import MapTiles
from fcmae.model.options import architecture

TYPES = (torch.float32, torch.bfloat16)
ROUNDS = 15
SIDE = 2048  # of the large product
COPIED = 2**28  # bytes


def main() -> None:
    """The limits, then every operation."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", default="atto")
    parser.add_argument("--images", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--side", type=int, default=SIDE, help="of the large product")
    args = parser.parse_args()
    measure(args.model, args.images, args.rounds, args.side)


def measure(model: str, images: int, rounds: int = ROUNDS, side: int = SIDE) -> list[timing.Row]:
    """All rows, written down as they come."""
    keep_freed_memory()
    with torch.inference_mode():
        return timing.write("roofline", rows(model, images, rounds, side))


def rows(model: str, images: int, rounds: int, side: int) -> Iterator[timing.Row]:
    """Operations with their operations per byte and per second."""
    device = torch.device("cpu")
    for name, type_, flops, moved, run in operations(model, images, side):
        seconds = timed(run, rounds)
        yield {
            "operation": name, "type": str(type_).removeprefix("torch."),
            "flops_per_byte": f"{flops / moved:.3f}", "gflops": f"{flops / seconds / 1e9:.2f}",
            "gigabytes_per_s": f"{moved / seconds / 1e9:.2f}", **timing.origin(device),
        }  # fmt: skip


def operations(
    model: str, images: int, product: int
) -> Iterator[tuple[str, torch.dtype, int, int, Callable[[], Tensor]]]:
    """Name, type, operations, bytes that must move, and what to run."""
    source = torch.empty(COPIED // 2, dtype=torch.uint8)
    target = torch.empty_like(source)
    yield "copy", torch.uint8, 0, COPIED, lambda: target.copy_(source)
    for type_ in TYPES:
        size = type_.itemsize
        a, b = (torch.randn(product, product).to(type_) for _ in range(2))
        yield "product", type_, 2 * product**3, 3 * size * product**2, lambda a=a, b=b: a @ b
        for stage, c in enumerate(architecture(model).dims):
            side = 56 >> stage
            positions = images * side**2
            x = torch.randn(images, side**2, c).to(type_)
            taps, bias = torch.randn(c, 1, 7, 7), torch.randn(c)
            tiles = MapTiles.whole(side, side)
            yield (
                f"depthwise {stage + 1}", type_, 2 * 49 * positions * c, 2 * size * positions * c,
                lambda x=x, w=taps, b=bias, t=tiles: depthwise(x, w, b, t),
            )  # fmt: skip
            weight, bias = torch.randn(4 * c, c).to(type_), torch.randn(4 * c).to(type_)
            yield (
                f"expand {stage + 1}", type_, 8 * positions * c * c,
                size * (5 * positions * c + 4 * c * c),
                lambda x=x, w=weight, b=bias: linear(x, w, b),
            )  # fmt: skip


def timed(run: Callable[[], Tensor], rounds: int) -> float:
    """Median seconds."""
    times = []
    for turn in range(rounds + timing.WARM_UP):
        begun = perf_counter()
        run()
        if turn >= timing.WARM_UP:
            times.append(perf_counter() - begun)
    return median(times)


if __name__ == "__main__":
    main()
