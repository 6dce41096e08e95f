"""Each ablation of the paper is a few lines over a base, and names one difference."""

import dataclasses
from typing import Any

import pytest

from fcmae.model.grn_options import Grn, Response
from fcmae.options.parse import build, config_values
from fcmae.options.recipes import RECIPES, read_config, recipe_names
from fcmae.training import FinetuneClassify, Pretrain

DECODERS: dict[str, tuple[str, int, int]] = {
    "unet": ("unet", 1, 512),
    "unet-skip": ("unet-skip", 1, 512),
    "transformer": ("transformer", 8, 512),
    **{f"depth-{depth}": ("block", depth, 512) for depth in (2, 4, 8, 12)},
    **{f"width-{width}": ("block", 1, width) for width in (128, 256, 768, 1024)},
}
GRN = {
    "l1": Response(aggregation="l1"),
    "mean": Response(aggregation="mean"),
    "standardize": Response(normalization="standardize"),
    "sum": Response(normalization="sum"),
    "no-residual": Response(residual=False),
    "none": Response(kind="none"),
    "not-last": Response(stages=(1, 2, 3)),
    "lrn": Response(kind="lrn"),
    "batchnorm": Response(kind="batchnorm"),
    "layernorm": Response(kind="layernorm"),
    "se": Response(kind="se"),
    "cbam": Response(kind="cbam"),
    "affine-only": Response(aggregation="none", normalization="none"),
    "aggregate-only": Response(normalization="none"),
    "normalize-only": Response(aggregation="none"),
}
OTHERS: dict[str, Any] = {
    "mask-leaking": {"mask.convolution": "leaking"},
    "mask-leaking-token": {"mask.convolution": "leaking-token"},
    "mask-dense": {"mask.convolution": "masked"},
    **{f"mask-ratio-{share}": {"mask.ratio": share / 100} for share in (10, 30, 50, 75, 90)},
    "mask-block": {"mask.pattern": "block"},
    "mask-grid": {"mask.pattern": "grid"},
    "mask-patch-64": {"size": 256, "mask.patch": 64},
    "target-raw": {"target.normalize": False},
    "target-all": {"target.over": "all"},
    "finetune-grn-dropped": {"grn.kind": "none"},
    "finetune-grn-added": {"grn.kind": "grn"},
}


def recipe(name: str, options: type = Pretrain) -> Any:
    values = config_values([f"ablate/{name}"], options)
    return build(options, {**values, "data": "images", "out": "run"})


def test_every_recipe_is_held_here() -> None:
    names = {f"decoder-{name}" for name in DECODERS} | {f"grn-{name}" for name in GRN} | set(OTHERS)
    mine = {name for name in recipe_names() if name.startswith("ablate/")}
    assert mine == {f"ablate/{name}" for name in names}


def test_every_recipe_is_short() -> None:
    for path in (RECIPES / "ablate").iterdir():
        assert 3 <= len(path.read_text().splitlines()) <= 8, path


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_is_that_of_table_1(name: str) -> None:
    decoder = recipe(f"decoder-{name}").decoder
    assert dataclasses.astuple(decoder) == DECODERS[name]


@pytest.mark.parametrize("name", GRN)
def test_a_response_is_a_row_of_table_2_or_16(name: str) -> None:
    chosen = recipe(f"grn-{name}")
    assert chosen.grn.over(Response()) == GRN[name]
    assert dataclasses.replace(chosen, grn=Grn()) == build(
        Pretrain, {"data": "images", "out": "run"}
    )


@pytest.mark.parametrize("name", OTHERS)
def test_the_rest_differs_in_one_option(name: str) -> None:
    options = FinetuneClassify if name.startswith("finetune-") else Pretrain
    chosen = recipe(name, options)
    assert list(read_config(f"ablate/{name}")) == list(OTHERS[name])
    for option, value in OTHERS[name].items():
        group, _, field = option.rpartition(".")
        assert getattr(getattr(chosen, group) if group else chosen, field) == value


def test_a_recipe_goes_over_any_base_in_either_order() -> None:
    for base in ("pretrain", "pretrain/small"):
        one = config_values(["ablate/grn-l1", base], Pretrain)
        assert one == config_values([base, "ablate/grn-l1"], Pretrain)
