"""Shows what trainings cost, modelled or measured."""

from rich.console import Console as Terminal

from fcmae.cli.shared.show import say, show_table
from fcmae.costs.cost import GIB, Costs
from fcmae.costs.input import WAYS as INPUT_WAYS
from fcmae.costs.input import InputBench
from fcmae.costs.pretraining import WAYS, Bench


def show_costs(result: Costs, terminal: Terminal) -> None:
    """One line per size or run."""
    if result.needed:
        columns = (
            "model", "side", "batch", "parameters", "activations", "DDP", "FSDP", "TFLOP/image",
            "images/s",
        )  # fmt: skip
        rows = [
            (
                row.model,
                f"{row.size}",
                f"{row.batch_size}",
                f"{row.parameters:,}",
                *(
                    f"{number / GIB:.2f} GiB"
                    for number in (
                        row.ddp_bytes["activations"],
                        sum(row.ddp_bytes.values()),
                        sum(row.fsdp_bytes.values()),
                    )
                ),
                f"{row.tflop_per_image:.4f}",
                f"{row.images_per_s:,.0f}",
                f"{row.gpu_hours:,.1f}",
            )
            for row in result.needed
        ]
        show_table(terminal, (*columns, "GPU-hours"), rows)
    if result.runs:
        lines = [
            (run.recipe, run.model, f"{run.size}", f"{run.images:,}", f"{run.epochs}",
             f"{run.gpu_hours:,.1f}")
            for run in result.runs
        ]  # fmt: skip
        heads = ("recipe", "model", "size", "images", "epochs", "GPU-hours")
        show_table(terminal, heads, lines)
    say(terminal, result.assumed)


def show_input_bench(result: InputBench, terminal: Terminal) -> None:
    """One line per setting and way."""
    columns = ("crop", "crops per image", "way", "per second", "speed-up", "middle half", "PSNR")
    rows = []
    for row in result.rows:
        for way in (way for way in INPUT_WAYS if way in row.per_s):
            low, high = row.spread[way]
            near = f"{row.psnr:.1f} dB" if way == "fitting" else ""
            rows.append(
                (
                    str(row.size),
                    str(row.repeats),
                    way,
                    f"{row.per_s[way]:.0f}",
                    f"{row.speedup[way]:.2f}x",
                    f"{low:.2f} to {high:.2f}",
                    near,
                )
            )
    show_table(terminal, columns, rows)
    first = result.rows[0]
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items())
    say(
        terminal,
        f"{first.images} images of {result.data} on one core of {result.device} ({versions}); "
        f"the lowest PSNR is {min(row.least_psnr for row in result.rows):.1f} dB.",
    )
    if first.left_out:
        say(terminal, f"{first.left_out} files were left out, because not every way reads them.")


def show_bench(result: Bench, terminal: Terminal) -> None:
    """One line per setting."""
    columns = ("model", "size", "hidden", "visible", "masked dense", "dense", "speed-up", "memory")
    rows = []
    for row in result.rows:
        memory = "-"
        if row.peak_bytes:
            memory = " / ".join(f"{row.peak_bytes[way] / 2**20:.0f}" for way in WAYS) + " MiB"
        rows.append(
            (
                row.model,
                str(row.size),
                f"{1 - row.visible_share:.0%}",
                *(f"{1000 * row.seconds[way]:.0f} ms" for way in WAYS),
                f"{row.speedup_over_masked_dense:.2f}x",
                memory,
            )
        )
    show_table(terminal, columns, rows)
    say(
        terminal,
        f"One step of {result.rows[0].batch_size} images in {result.precision} on {result.device} "
        f"({result.threads} threads, PyTorch {result.torch}, kernels: {result.kernels}); the "
        "speed-up is over masked dense.",
    )
