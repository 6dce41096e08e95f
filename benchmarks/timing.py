"""What the benchmarks share: ways that take turns, and rows that say what they were timed on."""

import csv
import platform
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import timm
import torch

from fcmae.kernels import choice

RESULTS = Path(__file__).parent / "results"
PICTURES = Path(__file__).parents[1] / "docs" / "images"
WARM_UP = 2
"""Turns of each way that are not counted."""

Row = dict[str, str | int | float]


def in_turns(
    ways: dict[str, Callable[[], object]], rounds: int, device: torch.device
) -> dict[str, float]:
    """Median seconds of each way; they take turns, so that a busy machine is unfair to none."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + WARM_UP):
        for name, way in ways.items():
            begun = time.perf_counter()
            way()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            if turn >= WARM_UP:
                seconds[name].append(time.perf_counter() - begun)
    return {name: median(times) for name, times in seconds.items()}


def origin(device: torch.device) -> Row:
    """The columns that say what a row was timed on."""
    return {
        "device": name_of(device),
        "threads": torch.get_num_threads(),
        "kernels": choice.describe(device.type),
        "torch": torch.__version__,
        "timm": timm.__version__,
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip(),
    }


def name_of(device: torch.device) -> str:
    """The GPU's name, or the processor's as Linux tells it."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    told = Path("/proc/cpuinfo")
    lines = told.read_text().splitlines() if told.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def write(name: str, rows: Iterable[Row]) -> list[Row]:
    """Rows into ``benchmarks/results/<name>.csv``, one by one, as they come."""
    written: list[Row] = []
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{name}.csv").open("w", newline="") as file:
        for row in rows:
            writer = csv.DictWriter(file, list(row))
            if not written:
                writer.writeheader()
            writer.writerow(row)
            file.flush()
            written.append(row)
            print("  ".join(str(value) for value in list(row.values())[:9]))
    return written
