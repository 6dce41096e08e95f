"""Groups parameters by weight decay and rate (the authors' rules, see docs/fidelity.md)."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from torch import nn

from fcmae.optim.options import Optim

NUM_GROUPS = 12
"""Layers that decay by "group" counts, whatever the size: the authors cut depths 3, 3, 27, 3."""


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """Parameters that share a learning rate and a weight decay.

    Attributes:
        name: What is in the group, for people.
        params: The parameters.
        names: Their names in the model, in the same order.
        lr_scale: Factor of the scheduled learning rate.
        weight_decay: AdamW's decay.
    """

    name: str
    params: list[nn.Parameter]
    names: list[str]
    lr_scale: float
    weight_decay: float


@runtime_checkable
class Layered(Protocol):
    """An encoder that numbers its own layers, as a net of timm does."""

    def layers(self, *, stages: bool = False) -> dict[str, int]:
        """The layer of each parameter, counted from the input; under "" that of the head.

        Args:
            stages: Count a whole stage as a layer instead of each block.
        """

    def without_decay(self) -> set[str]:
        """Parameters that do not decay, beside vectors."""


def parameter_groups(model: nn.Module, optim: Optim) -> list[ParameterGroup]:
    """Sort the trainable parameters of a model by layer and by whether they decay.

    Layers are those of the submodule ``encoder``; everything outside it learns at the full rate,
    times ``optim.head_lr_scale``.
    """
    trainable = {name: p for name, p in model.named_parameters() if p.requires_grad}
    if not trainable:
        raise ValueError("there is nothing to train: every parameter of the model is frozen.")
    by_layer = optim.layer_decay != 1 or optim.head_lr_scale != 1
    layers, last = _numbered(model, optim) if by_layer else ({}, 0)
    exempt = _exempt(model)

    members: dict[tuple[int, bool], list[str]] = {}
    for name, parameter in trainable.items():
        decay = decays(name, parameter) and name not in exempt
        members.setdefault((layers.get(name, last), decay), []).append(name)

    return [
        ParameterGroup(
            name=(f"layer {layer} " if last else "") + ("decay" if decay else "no decay"),
            params=[trainable[name] for name in names],
            names=names,
            lr_scale=_scale(optim, last - layer),
            weight_decay=optim.weight_decay if decay else 0.0,
        )
        for (layer, decay), names in sorted(members.items(), key=lambda item: item[0])
    ]


def _scale(optim: Optim, below: int) -> float:
    """Factor of the rate so many layers below the head, whose own is 0."""
    return optim.layer_decay**below if below else optim.head_lr_scale


def _numbered(model: nn.Module, optim: Optim) -> tuple[dict[str, int], int]:
    """The layer of each parameter of the encoder, and that of everything after it."""
    for prefix, encoder in _layered(model).items():
        if optim.layer_decay_by not in ("single", "stage"):
            raise ValueError(
                f"optim.layer_decay_by is {optim.layer_decay_by}, but this encoder numbers its own "
                "layers: take single or stage."
            )
        numbers = encoder.layers(stages=optim.layer_decay_by == "stage")
        last = numbers.pop("")
        return {prefix + name: layer for name, layer in numbers.items()}, last
    names = [name for name, _ in model.named_parameters()]
    if not (depths := _depths(names)):
        name = "layer_decay" if optim.layer_decay != 1 else "head_lr_scale"
        raise ValueError(
            f"optim.{name} is {getattr(optim, name)}, but the model has no encoder whose layers "
            "could learn at rates of their own: set it to 1."
        )
    return {name: layer_of(name, depths, optim) for name in names}, last_layer(depths, optim)


def _exempt(model: nn.Module) -> set[str]:
    """Parameters that encoders exempt from decay."""
    found = _layered(model).items()
    return {prefix + name for prefix, encoder in found for name in encoder.without_decay()}


def _layered(model: nn.Module) -> dict[str, Layered]:
    """The encoders that number their own layers, by what stands before their parameters."""
    modules = model.named_modules()
    return {f"{name}.".lstrip("."): m for name, m in modules if isinstance(m, Layered)}


def decays(name: str, parameter: nn.Parameter) -> bool:
    """True if weight decay applies: to matrices and kernels, not to vectors or the mask token."""
    return parameter.ndim > 1 and not name.endswith(("bias", "mask_token"))


def layer_of(name: str, depths: list[int], optim: Optim) -> int:
    """Number of the layer that a parameter belongs to, counted from the input.

    By "single" each block is a layer, and the stem or downsampling before a stage goes with the
    stage's first block. By "group" the stem is layer 0, stages 1 and 2 are one layer each, stage
    3 is cut into threes, stage 4 is layer 12 (by "gapless" the layer after stage 3's), and the last
    downsampling goes with it. By "stage" the stem and all downsampling are layer 0, and each stage
    is one layer.
    """
    stage, block = _place(name)
    if stage is None:
        return last_layer(depths, optim)
    if optim.layer_decay_by == "stage":
        return 0 if block is None else stage + 1
    if optim.layer_decay_by == "single":
        return sum(depths[:stage]) + 1 + (block or 0)
    if stage == 0 and block is None:
        return 0
    if stage == 3:
        return last_layer(depths, optim) - 1
    return stage + 1 + (block or 0) // 3 * (stage == 2)


def last_layer(depths: list[int], optim: Optim) -> int:
    """Number of the layer after the encoder (norm, head, decoder), which does not decay."""
    if optim.layer_decay_by == "single":
        return 1 + sum(depths)
    if optim.layer_decay_by == "group":
        return 1 + NUM_GROUPS
    # Three stages of one group each, and a third of three blocks each: 6 for tiny, 12 for base.
    return 1 + 3 + -(-depths[2] // 3)


def group_table(groups: list[ParameterGroup], most: int = 8) -> str:
    """The groups as lines of text; of more than ``most``, the first and the last ones."""
    lines = [f"{'group':<20}{'lr scale':>10}{'weight decay':>14}{'tensors':>9}{'parameters':>13}"]
    for group in groups:
        size = sum(p.numel() for p in group.params)
        lines.append(
            f"{group.name:<20}{group.lr_scale:>10.4g}{group.weight_decay:>14.4g}"
            f"{len(group.params):>9}{size:>13,}"
        )
    end = most // 2
    if (hidden := len(groups) - 2 * end) > max(1, most - 2 * end):
        lines[1 + end : len(lines) - end] = [f"... {hidden} groups more, rates in between"]
    return "\n".join(lines)


def _place(name: str) -> tuple[int | None, int | None]:
    """Stage and block (None before the stage's blocks) of a parameter; no stage outside."""
    if match := re.search(r"(?:^|\.)encoder\.stages\.(\d+)\.(\d+)\.", name):
        return int(match[1]), int(match[2])
    if match := re.search(r"(?:^|\.)encoder\.downsamples\.(\d+)\.", name):
        return int(match[1]) + 1, None
    if re.search(r"(?:^|\.)encoder\.stem(_norm)?\.", name):
        return 0, None
    return None, None


def _depths(names: list[str]) -> list[int]:
    """Blocks of each stage; nothing for a model without an encoder."""
    places = {_place(name) for name in names}
    blocks = Counter(stage for stage, block in places if stage is not None and block is not None)
    return [blocks[stage] for stage in sorted(blocks)]
