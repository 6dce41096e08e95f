"""The pictures of docs/performance.md, from the tables in ``benchmarks/results/``.

python benchmarks/pictures.py       draws them again without timing anything
"""

import csv
from collections.abc import Callable

import matplotlib as mpl
import numpy as np
import timing

mpl.use("Agg")

from matplotlib import pyplot as plt

AXES: dict[str, tuple[str, Callable[[timing.Row], float]]] = {
    "share": ("visible share of the patches", lambda row: 1 - float(row["ratio"])),
    "resolution": ("pixels of an image, in thousands", lambda row: int(row["size"]) ** 2 / 1000),
    "batch": ("images of a step", lambda row: int(row["batch"])),
}
WAYS = {"visible": "visible patches only", "masked": "masked dense"}


def main() -> None:
    """Both pictures."""
    draw_curves(read("step-curves"))
    draw_roofline(read("roofline"))


def read(name: str) -> list[timing.Row]:
    """The rows of a table."""
    with (timing.RESULTS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def draw_curves(rows: list[timing.Row]) -> None:
    """Cost of a step against visible share, resolution and batch."""
    figure, panels = plt.subplots(1, len(AXES), figsize=(12, 3.6), layout="constrained")
    for panel, (kind, (label, value)) in zip(panels, AXES.items(), strict=True):
        for way, title in WAYS.items():
            chosen = [row for row in rows if row["kind"] == kind and row["way"] == way]
            panel.plot([value(row) for row in chosen], [float(row["ms"]) for row in chosen],
                       marker="o", label=title)  # fmt: skip
        panel.set(xlabel=label, ylabel="milliseconds of a step", xlim=(0, None), ylim=(0, None))
    panels[0].legend()
    save(figure, "step-curves", rows)


def draw_roofline(rows: list[timing.Row]) -> None:
    """Operations per second against operations per byte, below the limits that were measured."""
    figure, panel = plt.subplots(figsize=(7, 4.5), layout="constrained")
    bandwidth = next(float(row["gigabytes_per_s"]) for row in rows if row["operation"] == "copy")
    intensity = np.geomspace(1, 1000, 100)
    for colour, type_ in (("C0", "float32"), ("C1", "bfloat16")):
        of_type = [row for row in rows if row["type"] == type_]
        peak = next(float(row["gflops"]) for row in of_type if row["operation"] == "product")
        panel.plot(intensity, np.minimum(peak, bandwidth * intensity), colour, label=type_)
        for operation, marker in (("depthwise", "o"), ("expand", "s")):
            chosen = [row for row in of_type if str(row["operation"]).startswith(operation)]
            panel.scatter([float(row["flops_per_byte"]) for row in chosen],
                          [float(row["gflops"]) for row in chosen],
                          c=colour, marker=marker, label=f"{operation}, {type_}")  # fmt: skip
    panel.set(xscale="log", yscale="log", xlabel="operations per byte moved", ylabel="GFLOP/s")
    panel.legend(fontsize="small")
    save(figure, "roofline-cpu", rows)


def save(figure: plt.Figure, name: str, rows: list[timing.Row]) -> None:
    """A PNG under ``docs/images/`` that says what it was measured on."""
    first = rows[0]
    versions = f"torch {first['torch']}, commit {first['commit']}"
    figure.suptitle(f"{first['device']}, {first['threads']} threads, {versions}", fontsize="small")
    timing.PICTURES.mkdir(exist_ok=True)
    figure.savefig(timing.PICTURES / f"{name}.png", dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    main()
