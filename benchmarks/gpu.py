"""Everything to be measured on one GPU: kernels, whole steps, detectors, in one command.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --model tiny base huge --batch 256

Each part verifies before it times: kernels against the definition, steps on visible patches against
masked dense. Tables in ``benchmarks/results``: ``kernels.csv``, ``steps-gpu.csv`` and
``scenes-gpu.csv`` (detection at 1024 pixels, segmentation at 512).
"""

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
WAYS = ["visible", "masked", "masked-compiled", "timm-compiled"]


def main() -> None:
    """One after the other; the first that fails ends it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--model", nargs="+", default=["tiny", "base"])
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--rounds", type=int, help="by default those of each script, 10 of steps")
    parser.add_argument("--way", nargs="+", default=WAYS, help="of a step")
    parser.add_argument("--device", default="cuda", help="cpu: to try the script itself")
    parser.add_argument("--size", type=int, default=224, help="of the images of a step")
    parser.add_argument("--detect", type=int, default=1024)
    parser.add_argument("--segment", type=int, default=512)
    args = parser.parse_args()
    common = ["--device", args.device]
    common += [] if args.rounds is None else ["--rounds", str(args.rounds)]
    models = ["--model", *args.model]
    run("kernels.py", *common, "--model", args.model[-1], "--images", str(args.batch))
    run(
        "steps.py", "--rounds", "10", *common, *models, "--type", "bfloat16", "--out", "steps-gpu",
        "--batch", str(args.batch), "--size", str(args.size), "--way", *args.way,
    )  # fmt: skip
    run(
        "scenes.py", *common, *models, "--out", "scenes-gpu",
        "--detect", str(args.detect), "--segment", str(args.segment),
    )  # fmt: skip


def run(script: str, *arguments: str) -> None:
    """A benchmark beside this one, in a process of its own."""
    subprocess.run([sys.executable, str(HERE / script), *arguments], check=True)


if __name__ == "__main__":
    main()
