"""The recipes against the numbers of the paper's tables and the authors' commands."""

import dataclasses
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fcmae.inference.segmentation.options import EvaluateSegment
from fcmae.model.classifier import Classifier
from fcmae.model.options import architecture
from fcmae.optim.groups import parameter_groups
from fcmae.optim.schedule import learning_rate
from fcmae.options.parse import build, config_values
from fcmae.options.recipes import RECIPES, read_config, recipe_names
from fcmae.training import Contrast, FinetuneClassify, FinetuneDetect, FinetuneSegment, Pretrain

# name: rate at the batch, batch, epochs, warm-up, weight decay, average, drop path, smoothing,
# mixup, cutmix, side in pixels, and the scales of the stem, of stage 3's first block, of the last
# block and of the head.
SINGLE_ATTO = (0.9**12, 0.9**8, 0.9, 1.0)  # depths 2, 2, 6, 2
SINGLE_NANO = (0.9**14, 0.9**10, 0.9, 1.0)  # depths 2, 2, 8, 2
SINGLE_TINY = (0.9**18, 0.9**12, 0.9, 1.0)  # depths 3, 3, 9, 3
ALL_ALIKE = (1.0, 1.0, 1.0, 1.0)


def groups_of(decay: float) -> tuple[float, ...]:
    return (decay**13, decay**10, decay, 1.0)


def singles_of_huge(decay: float) -> tuple[float, ...]:
    return (decay**36, decay**30, decay, 1.0)


EMA = 0.9999
CLASSIFY: dict[str, tuple[Any, ...]] = {
    # Table 9
    "finetune/atto": (8e-4, 1024, 600, 0, 0.3, EMA, 0.1, 0.2, 0.0, 0.0, 224, SINGLE_ATTO),
    "finetune/femto": (8e-4, 1024, 600, 0, 0.05, EMA, 0.0, 0.2, 0.3, 0.3, 224, SINGLE_ATTO),
    "finetune/pico": (8e-4, 1024, 600, 0, 0.3, EMA, 0.0, 0.2, 0.3, 0.3, 224, SINGLE_ATTO),
    "finetune/nano": (8e-4, 1024, 600, 0, 0.3, EMA, 0.1, 0.2, 0.5, 0.5, 224, SINGLE_NANO),
    # Tables 10 and 11
    "finetune/tiny": (3.2e-3, 1024, 300, 40, 0.05, EMA, 0.2, 0.1, 0.8, 1.0, 224, SINGLE_TINY),
    "finetune/base": (2.5e-3, 1024, 100, 20, 0.05, EMA, 0.1, 0.1, 0.8, 1.0, 224, groups_of(0.6)),
    "finetune/large": (2.5e-3, 1024, 100, 20, 0.05, EMA, 0.2, 0.1, 0.8, 1.0, 224, groups_of(0.6)),
    "finetune/huge": (
        5e-4, 1024, 50, 10, 0.05, EMA, 0.3, 0.1, 0.8, 1.0, 224, singles_of_huge(0.75),
    ),
    # Table 12
    "finetune-22k/nano": (4e-3, 4096, 90, 5, 0.05, None, 0.0, 0.1, 0.8, 1.0, 224, SINGLE_NANO),
    "finetune-22k/tiny": (4e-3, 4096, 90, 5, 0.05, None, 0.0, 0.1, 0.8, 1.0, 224, SINGLE_TINY),
    "finetune-22k/base": (4e-3, 4096, 90, 5, 0.05, None, 0.1, 0.1, 0.8, 1.0, 224, groups_of(0.8)),
    "finetune-22k/large": (4e-3, 4096, 90, 5, 0.05, None, 0.1, 0.1, 0.8, 1.0, 224, groups_of(0.8)),
    "finetune-22k/huge": (
        4e-3, 4096, 90, 5, 0.05, None, 0.3, 0.1, 0.8, 1.0, 224, singles_of_huge(0.8),
    ),
}  # fmt: skip
# Table 13
for name, epochs, average, drop_path, scales, sides in [
    ("nano", 90, EMA, 0.1, SINGLE_NANO, (224, 384)),
    ("tiny", 90, EMA, 0.1, SINGLE_TINY, (224, 384)),
    ("base", 30, EMA, 0.2, groups_of(0.8), (224, 384)),
    ("large", 30, EMA, 0.3, groups_of(0.8), (224, 384)),
    ("huge", 30, None, 0.5, singles_of_huge(0.85), (384, 512)),
    # The authors' commands for V1
    ("v1-base", 30, None, 0.2, groups_of(0.8), (224, 384)),
    ("v1-large", 30, None, 0.3, groups_of(0.8), (224, 384)),
    ("v1-xlarge", 30, EMA, 0.4, groups_of(0.8), (224, 384)),
]:
    CLASSIFY |= {
        f"finetune-22k-1k/{name}-{side}": (
            5e-5, 512, epochs, 0, 1e-8, average, drop_path, 0.1, 0.0, 0.0, side, scales,
        )
        for side in sides
    }  # fmt: skip
# The authors' commands for V1, which supervised training of V2 follows
for name, drop_path in [("v1-base", 0.8), ("v1-large", 0.95)]:
    CLASSIFY[f"finetune-384/{name}"] = (
        5e-5, 512, 30, 0, 1e-8, None, drop_path, 0.1, 0.0, 0.0, 384, groups_of(0.7),
    )  # fmt: skip
for name, drop_path in [("tiny", 0.1), ("small", 0.4), ("base", 0.5), ("large", 0.5)]:
    row = (4e-3, 4096, 300, 20, 0.05, EMA, drop_path, 0.1, 0.8, 1.0, 224, ALL_ALIKE)
    CLASSIFY[f"supervised/v1-{name}"] = row
    if name != "small":
        CLASSIFY[f"supervised/{name}"] = row
for name, drop_path in [("v1-base", 0.1), ("v1-large", 0.1), ("v1-xlarge", 0.2)]:
    CLASSIFY[f"supervised-22k/{name}"] = (
        4e-3, 4096, 90, 5, 0.05, None, drop_path, 0.1, 0.8, 1.0, 224, ALL_ALIKE,
    )  # fmt: skip
# timm
for name in ("atto", "femto", "pico", "nano"):
    CLASSIFY[f"supervised/v1-{name}"] = (
        1.25e-3, 1280, 600, 20, 0.05, EMA, 0.1, 0.1, 0.8, 1.0, 224, ALL_ALIKE,
    )  # fmt: skip

PRETRAIN = {"pretrain": 800, "pretrain/1600": 1600}
FOR_SMALL_DATA = {"pretrain/small", "finetune/small"}
"""Found by our own experiments; docs/results.md has their numbers."""


COMMANDS: dict[str, tuple[str, type]] = {
    "pretrain": ("pretrain", Pretrain),
    "contrast": ("contrast", Contrast),
    "detect": ("finetune detect", FinetuneDetect),
    "segment": ("finetune segment", FinetuneSegment),
    "evaluate": ("evaluate segment", EvaluateSegment),
    "ablate": ("pretrain", Pretrain),
}
"""By the first part of a recipe's name; all others are for classification."""

CLASSIFICATION = ("finetune classify", FinetuneClassify)
OTHERS = ("contrast", "detect", "segment", "evaluate", "ablate")
"""Whose values the tests beside this file hold."""


def command_of(name: str) -> tuple[str, type]:
    if name.startswith("ablate/finetune-"):
        return CLASSIFICATION
    return COMMANDS.get(name.split("/", maxsplit=1)[0], CLASSIFICATION)


def options(name: str) -> Any:
    command = command_of(name)[1]
    given = {"data": "images", "weights": "run", "out": "run"}
    values = {**config_values([name], command), **given}
    if not name.startswith("evaluate"):
        del values["weights"]
    return build(command, values)


def classify(name: str) -> FinetuneClassify:
    chosen = options(name)
    assert isinstance(chosen, FinetuneClassify)
    return chosen


def scales_of(chosen: FinetuneClassify) -> tuple[float, ...]:
    assert chosen.model is not None
    narrow = replace(architecture(chosen.model), dims=(1, 1, 1, 1))
    groups = parameter_groups(Classifier(narrow, num_classes=2), chosen.optim)
    last_block = f"encoder.stages.3.{narrow.depths[3] - 1}.contract.weight"
    names = ("encoder.stem.weight", "encoder.stages.2.0.expand.weight", last_block, "head.weight")
    return tuple(group.lr_scale for name in names for group in groups if name in group.names)


def test_every_recipe_is_held_to_a_row_of_these_tables() -> None:
    elsewhere = {name for name in recipe_names() if name.split("/")[0] in OTHERS}
    here = set(recipe_names()) - FOR_SMALL_DATA - elsewhere
    assert here == set(CLASSIFY) | set(PRETRAIN)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_begins_with_its_command_hardware_time_and_result(name: str) -> None:
    text = (RECIPES / f"{name}.yaml").read_text()
    comments = re.match(r"(#.*\n)+", text)
    assert comments is not None
    command = command_of(name)[0]
    assert comments[0].startswith(f"# fcmae {command} --config {name} ")
    for word in ("hardware", "time: ", "# result: "):
        assert word in comments[0].replace("hardware and time: ", "hardware time: "), word
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_names_only_what_differs(name: str) -> None:
    # The optimizer's options are named in full: the command's own are for small data sets.
    chosen = options(name)
    defaults = {field.name: field.default for field in dataclasses.fields(chosen)}
    for key in read_config(name):
        group, _, field = key.rpartition(".")
        if group == "optim":
            continue
        owner = getattr(chosen, group) if group else chosen
        default = (
            next(f.default for f in dataclasses.fields(owner) if f.name == field)
            if group
            else defaults.get(key)
        )
        assert getattr(owner, field) != default, key


@pytest.mark.parametrize("name", sorted(CLASSIFY))
def test_a_classifier_trains_as_published(name: str) -> None:
    chosen, optim = classify(name), classify(name).optim
    rate, batch, epochs, warmup, decay, average, drop_path, *augmentation, side, scales = CLASSIFY[
        name
    ]
    smoothing, mixup, cutmix = augmentation
    assert optim.peak_lr == pytest.approx(rate)
    assert (optim.batch_size, optim.epochs, optim.warmup_epochs) == (batch, epochs, warmup)
    assert (optim.weight_decay, optim.betas, optim.ema) == (decay, (0.9, 0.999), average)
    assert optim.clip_grad is None
    assert chosen.encoder.drop_path == drop_path
    augment = chosen.augment
    assert (augment.smoothing, augment.mixup, augment.cutmix) == (smoothing, mixup, cutmix)
    assert (augment.erase, augment.scale, augment.flip) == (0.25, (0.08, 1.0), True)
    timm = name.startswith("supervised/v1-") and epochs == 600
    assert augment.rand_augment == ("rand-m8-inc1-mstd101" if timm else "rand-m9-mstd0.5-inc1")
    assert chosen.head_init_scale == (1.0 if name.startswith("supervised") else 0.001)
    assert chosen.size == side
    assert chosen.model == name.split("/")[1].removesuffix(f"-{side}")
    assert scales_of(chosen) == pytest.approx(scales, rel=1e-9)

    steps = 100
    assert learning_rate(optim, warmup * steps, steps) == pytest.approx(rate)
    assert learning_rate(optim, 0, steps) == pytest.approx(0 if warmup else rate)
    middle = learning_rate(optim, (warmup + epochs) * steps // 2, steps)
    assert middle == pytest.approx((rate + 1e-6) / 2)
    assert learning_rate(optim, epochs * steps, steps) == pytest.approx(1e-6)


@pytest.mark.parametrize(("name", "epochs"), PRETRAIN.items())
def test_pre_training_is_table_8(name: str, epochs: int) -> None:
    chosen = options(name)
    assert isinstance(chosen, Pretrain)
    optim = chosen.optim
    assert optim.peak_lr == pytest.approx(2.4e-3)
    assert (optim.batch_size, optim.epochs, optim.warmup_epochs) == (4096, epochs, 40)
    assert (optim.weight_decay, optim.betas, optim.ema) == (0.05, (0.9, 0.95), None)
    assert (optim.layer_decay, optim.clip_grad) == (1.0, None)
    assert (chosen.mask.ratio, chosen.mask.patch, chosen.size) == (0.6, None, 224)
    assert (chosen.target.normalize, chosen.target.visible_weight) == (True, 0.0)
    assert (chosen.decoder.depth, chosen.decoder.width) == (1, 512)
    assert (chosen.augment.scale, chosen.encoder.drop_path) == ((0.2, 1.0), 0.0)
    steps = 10
    assert learning_rate(optim, 40 * steps, steps) == pytest.approx(2.4e-3)
    assert learning_rate(optim, (40 + epochs) * steps // 2, steps) == pytest.approx(1.2e-3)
    assert learning_rate(optim, epochs * steps, steps) == 0


def test_what_is_unresolved_says_so() -> None:
    held = [name for name in recipe_names() if name.split("/")[0] not in OTHERS]
    unresolved = [n for n in held if "UNRESOLVED" in (RECIPES / f"{n}.yaml").read_text()]
    small = [f"supervised/v1-{name}" for name in ("atto", "femto", "nano", "pico")]
    assert unresolved == ["finetune/huge", *small]
    assert "6.25e-3" in Path(RECIPES / "finetune" / "base.yaml").read_text()
