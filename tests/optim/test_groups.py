from dataclasses import replace

import pytest
import torch
from torch import nn

from fcmae.model.autoencoder import Autoencoder
from fcmae.model.classifier import Classifier
from fcmae.model.options import architecture
from fcmae.optim.groups import ParameterGroup, group_table, parameter_groups
from fcmae.optim.options import Optim

TINY_SINGLE = [
    # What the authors' code gives a Tiny (depths 3, 3, 9, 3), worked out by hand: 20 values
    # 0.9^19 ... 0.9^0, of which the first is never used.
    ("encoder.stem.weight", 18),
    ("encoder.stem_norm.bias", 18),
    ("encoder.stages.0.0.expand.weight", 18),
    ("encoder.stages.0.2.grn.gamma", 16),
    ("encoder.downsamples.0.conv.weight", 15),
    ("encoder.stages.1.0.norm.weight", 15),
    ("encoder.downsamples.1.norm.weight", 12),
    ("encoder.stages.2.0.contract.bias", 12),
    ("encoder.stages.2.8.depthwise.weight", 4),
    ("encoder.downsamples.2.conv.bias", 3),
    ("encoder.stages.3.2.expand.weight", 1),
    ("norm.weight", 0),
    ("head.weight", 0),
]
BASE_GROUP = [
    ("encoder.stem.weight", 13),
    ("encoder.stem_norm.weight", 13),
    ("encoder.stages.0.0.expand.weight", 12),
    ("encoder.stages.0.2.expand.weight", 12),
    ("encoder.downsamples.0.conv.weight", 11),
    ("encoder.stages.1.2.expand.weight", 11),
    ("encoder.downsamples.1.conv.weight", 10),
    ("encoder.stages.2.0.expand.weight", 10),
    ("encoder.stages.2.2.expand.weight", 10),
    ("encoder.stages.2.3.expand.weight", 9),
    ("encoder.stages.2.25.expand.weight", 2),
    ("encoder.stages.2.26.expand.weight", 2),
    ("encoder.downsamples.2.conv.weight", 1),
    ("encoder.stages.3.0.expand.weight", 1),
    ("norm.bias", 0),
    ("head.bias", 0),
]
TINY_GROUP = [
    # Stage 3 ends at layer 5 and stage 4 jumps to 12.
    ("encoder.stages.2.8.expand.weight", 8),
    ("encoder.stages.3.0.expand.weight", 1),
]
BASE_STAGE = [
    # mmsegmentation's stage_wise with 12 layers, which the authors' V1 configs name for base.
    ("encoder.stem.weight", 13),
    ("encoder.stem_norm.weight", 13),
    ("encoder.downsamples.2.conv.weight", 13),
    ("encoder.stages.0.2.expand.weight", 12),
    ("encoder.stages.2.0.expand.weight", 10),
    ("encoder.stages.2.26.expand.weight", 10),
    ("encoder.stages.3.0.expand.weight", 9),
    ("head.weight", 0),
]
TINY_STAGE = [
    # The same with 6 layers.
    ("encoder.stem.weight", 7),
    ("encoder.stages.3.2.expand.weight", 3),
]


def classifier(name: str) -> Classifier:
    """Depths of the size, but narrow."""
    return Classifier(replace(architecture(name), dims=(2, 4, 8, 16)), num_classes=10)


def group_of(name: str, groups: list[ParameterGroup]) -> ParameterGroup:
    [group] = [group for group in groups if name in group.names]
    return group


@pytest.mark.parametrize(
    ("model", "by", "decay", "powers"),
    [
        ("tiny", "single", 0.9, TINY_SINGLE),
        ("base", "group", 0.6, BASE_GROUP),
        ("tiny", "group", 0.8, TINY_GROUP),
        ("base", "stage", 0.9, BASE_STAGE),
        ("tiny", "stage", 0.9, TINY_STAGE),
    ],
    ids=["tiny by single", "base by group", "tiny by group", "base by stage", "tiny by stage"],
)
def test_layer_scales_are_the_authors(
    model: str, by: str, decay: float, powers: list[tuple[str, int]]
) -> None:
    optim = Optim(layer_decay=decay, layer_decay_by=by)
    groups = parameter_groups(classifier(model), optim)
    for name, power in powers:
        assert group_of(name, groups).lr_scale == pytest.approx(decay**power, rel=1e-12), name


@pytest.mark.parametrize("name", ["atto", "v1-atto"])
@pytest.mark.parametrize("layer_decay", [1.0, 0.9])
def test_each_parameter_is_in_one_group(name: str, layer_decay: float) -> None:
    model = classifier(name)
    groups = parameter_groups(model, Optim(layer_decay=layer_decay))
    grouped = [(n, p) for g in groups for n, p in zip(g.names, g.params, strict=True)]
    assert len(grouped) == len({n for n, _ in grouped}) == len(list(model.parameters()))
    assert dict(grouped) == dict(model.named_parameters())


def test_without_layer_decay_all_learn_at_one_rate() -> None:
    groups = parameter_groups(classifier("atto"), Optim())
    assert [(g.name, g.lr_scale, g.weight_decay) for g in groups] == [
        ("no decay", 1.0, 0.0),
        ("decay", 1.0, 0.05),
    ]


@pytest.mark.parametrize("layer_decay", [1.0, 0.5])
def test_a_head_may_learn_at_a_rate_of_its_own(layer_decay: float) -> None:
    optim = Optim(layer_decay=layer_decay, head_lr_scale=10.0)
    groups = parameter_groups(classifier("atto"), optim)
    assert {name for g in groups if g.lr_scale == 10 for name in g.names} == {
        "norm.weight",
        "norm.bias",
        "head.weight",
        "head.bias",
    }
    assert group_of("encoder.stages.3.1.contract.weight", groups).lr_scale == layer_decay
    assert group_of("encoder.stages.3.0.contract.weight", groups).lr_scale == layer_decay**2


def test_norms_biases_grn_and_mask_token_do_not_decay() -> None:
    model = Autoencoder(architecture("atto"))
    no_decay, decay = parameter_groups(model, Optim())
    assert all(name.endswith(".weight") for name in decay.names)
    assert not [n for n in decay.names if "norm" in n or "grn" in n or "mask_token" in n]
    kept = {"decoder.mask_token", "encoder.stem.bias", "encoder.stem_norm.weight"}
    kept |= {f"encoder.stages.0.0.grn.{name}" for name in ("gamma", "beta")}
    assert kept <= set(no_decay.names)


def test_layer_scale_does_not_decay() -> None:
    groups = parameter_groups(classifier("v1-atto"), Optim())
    assert group_of("encoder.stages.0.0.scale.weight", groups).weight_decay == 0


@pytest.mark.parametrize("name", ["bias", "mask_token"])
def test_a_bias_or_mask_token_of_two_axes_does_not_decay_either(name: str) -> None:
    model = nn.Module()
    model.register_parameter(name, nn.Parameter(torch.zeros(2, 2)))
    assert parameter_groups(model, Optim())[0].weight_decay == 0


def test_groups_cut_stage_3_alone() -> None:
    deep = replace(architecture("tiny"), depths=(4, 4, 7, 4), dims=(2, 4, 8, 16))
    optim = Optim(layer_decay=0.5, layer_decay_by="group")
    groups = parameter_groups(Classifier(deep, num_classes=2), optim)
    for block, power in [("0.3", 12), ("1.3", 11), ("2.2", 10), ("2.6", 8), ("3.3", 1)]:
        name = f"encoder.stages.{block}.expand.weight"
        assert group_of(name, groups).lr_scale == 0.5**power


def test_frozen_parameters_are_left_out_and_do_not_move_the_layers() -> None:
    model = classifier("atto")
    model.encoder.requires_grad_(False)
    model.encoder.stages[3].requires_grad_(True)
    groups = parameter_groups(model, Optim(layer_decay=0.5))
    assert group_of("encoder.stages.3.1.contract.weight", groups).lr_scale == 0.5
    assert not [name for group in groups for name in group.names if "stages.2" in name]


def test_a_frozen_model_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to train"):
        parameter_groups(classifier("atto").requires_grad_(False), Optim())


def test_layer_decay_without_layers_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"optim.layer_decay is 0.9, but the model has no encoder"):
        parameter_groups(nn.Linear(2, 2), Optim(layer_decay=0.9))


def test_a_rate_for_heads_without_an_encoder_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"optim.head_lr_scale is 10.0, but the model has no enc"):
        parameter_groups(nn.Linear(2, 2), Optim(head_lr_scale=10.0))


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf")])
def test_a_rate_for_heads_is_above_zero(scale: float) -> None:
    with pytest.raises(ValueError, match=r"optim.head_lr_scale is .*, but must be a number above"):
        Optim(head_lr_scale=scale)


def test_the_table_shows_every_group() -> None:
    groups = parameter_groups(classifier("atto"), Optim(layer_decay=0.9))
    lines = group_table(groups, most=26).splitlines()
    assert len(lines) == 1 + len(groups) == 27
    assert lines[1].split() == ["layer", "1", "no", "decay", "0.2824", "0", "10", "38"]
    assert lines[-1].split() == ["layer", "13", "decay", "1", "0.05", "1", "160"]


def test_a_long_table_shows_its_ends() -> None:
    groups = parameter_groups(classifier("atto"), Optim(layer_decay=0.9))
    whole = group_table(groups, most=26).splitlines()
    assert group_table(groups, most=4).splitlines() == [
        *whole[:3],
        "... 22 groups more, rates in between",
        *whole[-2:],
    ]
    assert group_table(groups, most=5).splitlines() == [
        *whole[:3],
        "... 22 groups more, rates in between",
        *whole[-2:],
    ]
    assert group_table(groups[:9], most=8).splitlines() == whole[:10]  # no line stands for one
