"""Every number and picture of the CPU's step in docs/performance.md, in one command.

    python benchmarks/cpu.py            four to six minutes on a quiet machine
    python benchmarks/cpu.py --thorough tiny with compiled ways too, and more rounds

Verifies, then times: steps against every dense way, cost against the visible share, the resolution
and the batch, and the roofline. Tables go to ``benchmarks/results/``, pictures to ``docs/images/``.
"""

import argparse
from collections.abc import Iterator
from itertools import chain

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


def main() -> None:
    """Steps, curves, roofline, pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--thorough", action="store_true")
    parser.add_argument("--rounds", type=int)
    args = parser.parse_args()
    rounds = args.rounds or (7 if args.thorough else 3)
    keep_freed_memory()
    tiny = list(steps.WAYS) if args.thorough else EAGER
    compared = chain(
        steps.rows(options("atto", 16, list(steps.WAYS), rounds)),
        steps.rows(options("tiny", 8, tiny, rounds)),
    )
    timing.write("steps", compared)
    curves = timing.write("step-curves", curve_rows(rounds))
    points = roofline.measure("atto", images=8)
    pictures.draw_curves(curves)
    pictures.draw_roofline(points)


def options(model: str, batch: int, ways: list[str], rounds: int) -> argparse.Namespace:
    """As ``benchmarks/steps.py`` reads them."""
    return argparse.Namespace(
        device="cpu", model=[model], type=list(steps.TYPES), way=ways, batch=batch, rounds=rounds
    )


def curve_rows(rounds: int) -> Iterator[timing.Row]:
    """Atto's step against one thing at a time."""
    common = {"model": "atto", "type": "bfloat16", "batch": 8}
    settings = {
        "share": [steps.Setting(**common, ratio=ratio) for ratio in RATIOS],
        "resolution": [steps.Setting(**common, size=size) for size in SIZES],
        "batch": [steps.Setting(**(common | {"batch": batch})) for batch in BATCHES],
    }
    args = argparse.Namespace(device="cpu", rounds=rounds)
    for kind, chosen in settings.items():
        for setting in chosen:
            made = steps.pretraining(setting, CPU, ["visible", "masked"])
            yield from steps.timed(kind, made, setting, args)


if __name__ == "__main__":
    main()
