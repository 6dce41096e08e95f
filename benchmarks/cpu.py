"""Every number and picture of the CPU's step in docs/performance.md, in one command.

    python benchmarks/cpu.py            four to six minutes on a quiet machine
    python benchmarks/cpu.py --thorough tiny with compiled ways too, and more rounds
    python benchmarks/cpu.py --quick    tries all of it on small images; keeps nothing

Verifies, then times: steps against every dense way, cost against the visible share, the resolution
and the batch, and the roofline. Tables go to ``benchmarks/results/``, pictures to ``docs/images/``.
"""

import argparse
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import chain
from pathlib import Path

import pictures
import roofline
import steps
import timing
import torch

from fcmae.engine.memory import keep_freed_memory

CPU = torch.device("cpu")
EAGER = ["visible", "masked", "timm"]
RATIOS = (0.2, 0.4, 0.6, 0.75, 0.9)
SIZES = (96, 128, 160, 224, 288)
BATCHES = (1, 4, 8, 16, 32)
ATTO = partial(steps.Setting, model="atto", type="bfloat16")
CURVES = {
    "share": [ATTO(batch=8, ratio=ratio) for ratio in RATIOS],
    "resolution": [ATTO(batch=8, size=size) for size in SIZES],
    "batch": [ATTO(batch=batch) for batch in BATCHES],
}
QUICK = {
    "share": [ATTO(batch=1, size=64, ratio=ratio) for ratio in (0.5, 0.75)],
    "resolution": [ATTO(batch=1, size=size) for size in (64, 96)],
    "batch": [ATTO(batch=batch, size=64) for batch in (1, 2)],
}


def main() -> None:
    """Steps, curves, roofline, pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--thorough", action="store_true")
    how.add_argument("--quick", action="store_true")
    parser.add_argument("--rounds", type=int)
    args = parser.parse_args()
    rounds = args.rounds or (1 if args.quick else 7 if args.thorough else 3)
    keep_freed_memory()
    if args.quick:
        timing.RESULTS = timing.PICTURES = Path(tempfile.mkdtemp())
        compared = steps.rows(options("atto", 2, EAGER, rounds, size=64))
        curves, points = QUICK, partial(roofline.measure, "atto", images=1, rounds=1, side=64)
    else:
        tiny = list(steps.WAYS) if args.thorough else EAGER
        compared = chain(
            steps.rows(options("atto", 16, list(steps.WAYS), rounds)),
            steps.rows(options("tiny", 8, tiny, rounds)),
        )
        curves, points = CURVES, partial(roofline.measure, "atto", images=8)
    timing.write("steps", compared)
    pictures.draw_curves(timing.write("step-curves", curve_rows(curves, rounds)))
    pictures.draw_roofline(points())


def options(
    model: str, batch: int, ways: list[str], rounds: int, *, size: int = 224
) -> argparse.Namespace:
    """As ``benchmarks/steps.py`` reads them."""
    return argparse.Namespace(
        device="cpu", model=[model], type=list(steps.TYPES), way=ways, batch=batch, rounds=rounds,
        size=size,
    )  # fmt: skip


def curve_rows(curves: dict[str, list[steps.Setting]], rounds: int) -> Iterator[timing.Row]:
    """Atto's step against one thing at a time."""
    args = argparse.Namespace(device="cpu", rounds=rounds)
    for kind, chosen in curves.items():
        for setting in chosen:
            made = steps.pretraining(setting, CPU, ["visible", "masked"])
            yield from steps.timed(kind, made, setting, args)


if __name__ == "__main__":
    main()
