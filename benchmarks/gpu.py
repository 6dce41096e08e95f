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
    parser.add_argument("--rounds", type=int, default=10)
    args = parser.parse_args()
    run("kernels.py", "--images", str(args.batch))
    run(
        "steps.py", "--device", "cuda", "--type", "bfloat16", "--out", "steps-gpu",
        "--model", *args.model, "--batch", str(args.batch), "--rounds", str(args.rounds),
        "--way", *WAYS,
    )  # fmt: skip
    run("scenes.py", "--device", "cuda", "--model", *args.model, "--out", "scenes-gpu")


def run(script: str, *arguments: str) -> None:
    """A benchmark beside this one, in a process of its own."""
    subprocess.run([sys.executable, str(HERE / script), *arguments], check=True)


if __name__ == "__main__":
    main()
