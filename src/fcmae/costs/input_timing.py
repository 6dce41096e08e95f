"""The timing of input, and the table that its numbers are kept in."""

import itertools
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from PIL import features

from fcmae import __version__
from fcmae.analysis.input_speed import input_speed
from fcmae.costs.input import BenchInput, InputBench, InputRow
from fcmae.data.image_list import ImageList
from fcmae.engine.report import Reporter
from fcmae.files.results import write_results
from fcmae.options.size import sides

CPU = Path("/proc/cpuinfo")
LIBRARIES = ("torch", "torchvision", "pillow")


def measure(
    options: BenchInput, images: ImageList, packed: ImageList | None, reporter: Reporter
) -> InputBench:
    """Every combination of size and repeats."""
    settings = list(itertools.product(options.size, options.repeats))
    rows = []
    with reporter.counting("timing", len(settings)) as count:
        for size, repeats in settings:
            rows.append(_row(options, images, packed, size, repeats))
            count(1)
    versions = {name: version(name) for name in LIBRARIES}
    jpeg = features.version_feature("libjpeg_turbo")
    bench = InputBench(
        data=options.data,
        device=_processor(),
        versions=versions | {"libjpeg-turbo": str(jpeg)},
        rows=rows,
    )
    if options.table is not None:
        write_results(options.table, _columns(bench))
    return bench


def _row(
    options: BenchInput, images: ImageList, packed: ImageList | None, size: int, repeats: int
) -> InputRow:
    found = input_speed(
        images,
        size=sides(size),
        crop=options.augment,
        loader=options.loader,
        repeats=repeats,
        batch_size=options.batch_size,
        batches=options.batches,
        packed=packed,
    )
    return InputRow(
        size=size,
        repeats=repeats,
        images=found.images,
        left_out=found.left_out,
        per_s=found.per_s,
        speedup=found.speedup,
        spread=found.spread,
        psnr=found.psnr[0],
        least_psnr=found.psnr[1],
    )


def _columns(bench: InputBench) -> dict[str, list[Any]]:
    """One line per setting and way."""
    lines = [
        {
            "data": str(bench.data),
            "size": row.size,
            "repeats": row.repeats,
            "way": way,
            "images": row.images,
            "per_s": f"{row.per_s[way]:.1f}",
            "speedup": f"{row.speedup[way]:.3f}",
            "quarter": f"{row.spread[way][0]:.3f}",
            "three_quarters": f"{row.spread[way][1]:.3f}",
            "psnr": f"{row.psnr:.2f}" if way == "fitting" else "",
            "least_psnr": f"{row.least_psnr:.2f}" if way == "fitting" else "",
            "device": bench.device,
            **bench.versions,
            "commit": _commit(),
        }
        for row in bench.rows
        for way in row.per_s
    ]
    return {name: [line[name] for line in lines] for name in lines[0]}


def _processor() -> str:
    """Name of the processor on Linux; elsewhere, its architecture."""
    if CPU.is_file():
        for line in CPU.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit of the code, or its version where it is installed from a package."""
    folder = Path(__file__).parent
    try:
        asked = ["git", "-C", str(folder), "rev-parse", "--short", "HEAD"]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return done.stdout.strip()
