"""Layers of timm's nets decay by timm's own numbers."""

import re

import pytest
import timm
from timm.optim import param_groups_layer_decay
from torch import nn

from fcmae.checkpoint.timm_names import net_of
from fcmae.model.timm_net import TimmClassifier
from fcmae.optim.groups import parameter_groups
from fcmae.optim.options import Optim

NETS = {
    "test_vit": "head",
    "test_resnet": "fc",
    "test_convnext": "head.fc",
    "swin_tiny_patch4_window7_224": "head.fc",
    "beit_base_patch16_224": "head",
}
"""What timm calls the classifier."""


def by_name(groups: list[dict[str, object]], net: nn.Module) -> dict[str, tuple[float, float]]:
    """Rate and decay of each parameter by its name."""
    names = {p: name for name, p in net.named_parameters()}
    return {
        names[p]: (float(g["lr_scale"]), float(g["weight_decay"]))  # type: ignore[arg-type]
        for g in groups
        for p in g["params"]  # type: ignore[attr-defined]
    }


@pytest.mark.full
@pytest.mark.parametrize("name", NETS)
def test_rates_and_decays_are_timms(name: str) -> None:
    net = timm.create_model(name, num_classes=3)
    exempt = net.no_weight_decay() if hasattr(net, "no_weight_decay") else set()
    theirs = by_name(
        param_groups_layer_decay(net, 0.05, no_weight_decay_list=exempt, layer_decay=0.8), net
    )
    model = TimmClassifier(net_of(name), num_classes=3)
    groups = parameter_groups(model, Optim(layer_decay=0.8, weight_decay=0.05))
    ours = {n: (g.lr_scale, g.weight_decay) for g in groups for n in g.names}
    renamed = {
        re.sub(rf"^{re.escape(NETS[name])}\.", "head.", n)
        if n.startswith(f"{NETS[name]}.")
        else f"encoder.body.{n}": value
        for n, value in theirs.items()
    }
    assert ours.keys() == renamed.keys()
    for n, (rate, decay) in ours.items():
        assert rate == pytest.approx(renamed[n][0]), n
        assert decay == renamed[n][1], n


def test_position_embeddings_and_tokens_do_not_decay_without_layer_decay_either() -> None:
    model = TimmClassifier(net_of("test_vit"), num_classes=3)
    groups = parameter_groups(model, Optim())
    decaying = {name for group in groups if group.weight_decay for name in group.names}
    assert "encoder.body.blocks.0.mlp.fc1.weight" in decaying
    assert not decaying & {"encoder.body.pos_embed", "encoder.body.cls_token"}


def test_by_stage_each_stage_of_a_net_is_a_layer() -> None:
    model = TimmClassifier(net_of("resnet18"), num_classes=3)
    optim = Optim(layer_decay=0.5, layer_decay_by="stage")
    rates = {n: g.lr_scale for g in parameter_groups(model, optim) for n in g.names}
    body = "encoder.body."
    assert rates[f"{body}conv1.weight"] == 0.5**5
    stages = [f"{body}layer{i}.{j}.conv1.weight" for i in (1, 2, 3, 4) for j in (0, 1)]
    assert [rates[name] for name in stages] == [0.5**below for below in (4, 4, 3, 3, 2, 2, 1, 1)]
    assert rates["head.weight"] == 1


def test_other_counts_of_layers_are_refused() -> None:
    model = TimmClassifier(net_of("test_vit"), num_classes=3)
    with pytest.raises(ValueError, match="layer_decay_by is group, but this encoder numbers its"):
        parameter_groups(model, Optim(layer_decay=0.8, layer_decay_by="group"))
