"""Counting what trainings need, size by size or recipe by recipe."""

from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from itertools import product
from typing import Any

from fcmae.analysis.budget import gpu_hours, memory
from fcmae.analysis.step import step_cost, training_flops
from fcmae.costs.cost import PAPER, SIZES, Cost, Costs, Kind, Needed, RunCost
from fcmae.engine.report import Reporter
from fcmae.flags import option
from fcmae.model.options import architecture
from fcmae.options.recipes import read_config, recipe_names

IMAGES = {
    "1k": 1_281_167, "22k": 14_197_122, "coco": 118_287, "ade20k": 20_210,
}  # fmt: skip
"""Training images of ImageNet-1K, ImageNet-22K, COCO 2017 and ADE20K."""

TRAININGS: dict[str, tuple[Kind, str]] = {
    "pretrain": ("pretrain", "1k"),
    "finetune": ("classify", "1k"),
    "finetune-22k": ("classify", "22k"),
    "finetune-22k-1k": ("classify", "1k"),
    "finetune-384": ("classify", "1k"),
    "supervised": ("classify", "1k"),
    "supervised-22k": ("classify", "22k"),
    "detect": ("detect", "coco"),
    "segment": ("segment", "ade20k"),
}
"""What the recipes of each folder train, and on what."""


def count(options: Cost, reporter: Reporter) -> Costs:
    """Memory, speed and hours of each size, for each side and batch of images."""
    settings = list(product(options.model, options.sides, options.batch_size))
    with reporter.counting("counting", len(settings)) as tick:
        needed = []
        for name, side, batch_size in settings:
            needed.append(_needed(options, name, side, batch_size))
            tick(1)
    sides, batches = (
        " or ".join(map(str, values)) for values in (options.sides, options.batch_size)
    )
    assumed = (
        f"A model, not a measurement: {batches} images of {sides} pixels at a "
        f"time on each of {options.gpus} GPUs in {options.precision}; {options.epochs} epochs of "
        f"{options.images:,} images at {options.utilisation:.0%} of {options.tflops:g} TFLOP/s."
    )
    return Costs(needed=needed, assumed=assumed)


def count_runs(options: Cost, reporter: Reporter) -> Costs:
    """Hours of each run of the paper, or of those with the sizes that were asked for."""
    all_sizes = options.model == list(PAPER)
    recipes = [run for run in _paper_runs() if all_sizes or run[1] in options.model]
    if not recipes:
        raise ValueError(
            f"the paper has no run of {' or '.join(options.model)}: leave out {option('runs')}."
        )
    with reporter.counting("counting", len(recipes)) as tick:
        runs = []
        for recipe, model, config in recipes:
            kind, data = TRAININGS[recipe.split("/")[0]]
            side, epochs = int(config.get("size", SIZES[kind])), int(config["optim.epochs"])
            flops = _flops(model, kind, side) * float(IMAGES[data] * epochs)
            hours = gpu_hours(flops, tflops=options.tflops, utilisation=options.utilisation)
            runs.append(
                RunCost(
                    recipe=recipe, model=model, size=side, images=IMAGES[data], epochs=epochs,
                    gpu_hours=hours,
                )
            )  # fmt: skip
            tick(1)
    assumed = (
        f"A model, not a measurement: {options.utilisation:.0%} of {options.tflops:g} TFLOP/s, "
        "without evaluation."
    )
    return Costs(runs=runs, assumed=assumed)


def _needed(options: Cost, name: str, side: int, batch_size: int) -> Needed:
    step = step_cost(
        architecture(name, channels=options.encoder.num_channels, stem=options.encoder.stem),
        of=options.task,
        size=(side, side),
        batch_size=batch_size,
        bfloat16=options.precision == "bfloat16",
        checkpointing=options.encoder.checkpointing,
    )
    how: dict[str, Any] = {"gpus": options.gpus, "average": options.average}
    per_image = step.flops / batch_size
    flops = per_image * options.images * options.epochs
    hours = gpu_hours(flops, tflops=options.tflops, utilisation=options.utilisation)
    return Needed(
        model=name,
        size=side,
        batch_size=batch_size,
        parameters=step.parameters,
        ddp_bytes=asdict(memory(step, strategy="ddp", **how)),
        fsdp_bytes=asdict(memory(step, strategy="fsdp", **how)),
        tflop_per_image=per_image / 1e12,
        images_per_s=options.images * options.epochs / hours / 3600,
        gpu_hours=hours,
    )


def _paper_runs() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Each recipe of the paper with its model; pre-training has one recipe for all sizes."""
    for recipe in recipe_names():
        config = read_config(recipe)
        # What is called small is for small data of one's own.
        if recipe.split("/")[0] not in TRAININGS or recipe.endswith("/small"):
            continue
        models = [config["model"]] if "model" in config else list(PAPER)
        for model in models:
            yield recipe, model, config


@cache
def _flops(model: str, kind: Kind, side: int) -> int:
    return training_flops(architecture(model), of=kind, size=(side, side))
