"""The recipes of segmentation against section A.4 of the paper and the authors' V1 configs."""

import pytest

from fcmae.cli.commands import COMMANDS
from fcmae.optim.schedule import learning_rate
from fcmae.options.parse import build, config_values
from fcmae.options.recipes import RECIPES, recipe_names
from fcmae.training import FinetuneSegment

SIZES = {"tiny": 512, "base": 512, "large": 512, "huge": 512, "huge-640": 640}
IMAGES = 20_210
"""Of ADE20K to train on."""


def recipe(name: str) -> FinetuneSegment:
    values = config_values([name], FinetuneSegment)
    return build(FinetuneSegment, {**values, "data": "images", "out": "run"})


def test_every_recipe_is_held_here() -> None:
    names = {f"segment/ade20k-{name}" for name in SIZES}
    mine = {name for name in recipe_names() if name.startswith("segment/")}
    assert mine == names | {"segment/small"}


@pytest.mark.parametrize(("name", "side"), SIZES.items())
def test_a_segmenter_trains_as_published(name: str, side: int) -> None:
    chosen = recipe(f"segment/ade20k-{name}")
    optim, steps = chosen.optim, IMAGES // chosen.optim.batch_size
    assert chosen.model == name.split("-", maxsplit=1)[0]
    assert (chosen.size, optim.batch_size) == (side, 16)
    assert optim.epochs * steps == pytest.approx(160_000, rel=0.003)
    assert optim.peak_lr == pytest.approx(1e-4)
    assert learning_rate(optim, 1500, steps) == pytest.approx(1e-4, rel=1e-3)
    assert learning_rate(optim, 750, steps) == pytest.approx(0.5e-4, rel=1e-2)
    last = optim.epochs * steps
    assert learning_rate(optim, (1500 + last) // 2, steps) == pytest.approx(0.5e-4, rel=1e-2)
    assert learning_rate(optim, last, steps) == 0
    assert (optim.weight_decay, optim.betas, optim.ema) == (0.05, (0.9, 0.999), None)
    assert (optim.layer_decay, optim.layer_decay_by) == (0.9, "stage")
    assert (chosen.encoder.drop_path, chosen.auxiliary_weight) == (0.4, 0.4)
    assert (chosen.head.width, chosen.head.auxiliary_width) == (512, 256)
    augment = chosen.augment
    assert (augment.scale, augment.flip, augment.colour) == ((0.5, 2.0), True, True)
    assert (augment.most_of_one_class, augment.short_side) == (0.75, side)
    assert chosen.labels.reduce_zero_label is True
    assert (chosen.scan.mode, chosen.scan.short_side, chosen.scan.overlap) == ("slide", None, 1 / 3)
    assert "UNRESOLVED" in (RECIPES / f"segment/ade20k-{name}.yaml").read_text()


def test_small_data_are_seen_whole_and_heads_learn_faster() -> None:
    chosen = recipe("segment/small")
    assert chosen.augment.shorter((160, 200)) == 160
    assert (chosen.optim.head_lr_scale, chosen.optim.layer_decay) == (10, 1)
    assert chosen.optim.peak_lr == pytest.approx(1e-3)


def test_the_test_is_the_papers() -> None:
    command = COMMANDS["evaluate segment"].options
    values = config_values(["evaluate/ade20k"], command)
    scan = build(command, {**values, "data": "images", "weights": "run"}).scan
    assert scan.scales == (0.75, 0.875, 1.0, 1.125, 1.25)
    assert (scan.mode, scan.flip, scan.short_side) == ("slide", True, None)
