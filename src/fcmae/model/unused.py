"""Layers of a net that a task does not look at, such as those behind its last feature map."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from fcmae.model.net_encoder import NetEncoder
from fcmae.model.timm_net import TimmEncoder
from fcmae.types import Images

Use = Callable[[Any, Images], Tensor | list[Tensor]]
"""Gives what a task takes of an encoder, such as ``TimmEncoder.levels``."""


def unused_parameters(encoder: TimmEncoder | NetEncoder, use: Use) -> list[str]:
    """Names of the parameters that what is used does not depend on, as the net itself names them.

    Args:
        encoder: A net of timm, or one of the user's own.
        use: What a task takes of it.
    """
    probe = copy.deepcopy(encoder).to("meta").train()
    names, parameters = zip(*probe.body.named_parameters(), strict=True)
    size = probe.map_format.size if isinstance(probe, NetEncoder) else probe.architecture.size
    shape = (2, probe.architecture.channels, *(size or (256, 256)))
    used = use(probe, torch.empty(shape, device="meta"))
    total = torch.stack([x.sum() for x in (used if isinstance(used, list) else [used])]).sum()
    gradients = torch.autograd.grad(total, parameters, allow_unused=True)
    return [name for name, gradient in zip(names, gradients, strict=True) if gradient is None]


def freeze_unused(encoder: TimmEncoder | NetEncoder, use: Use) -> list[str]:
    """Freeze the parameters that a task does not depend on; returns their names.

    They would not learn in any case, but processes that share a training wait for the gradients of
    all others.
    """
    names = unused_parameters(encoder, use)
    for name in names:
        encoder.body.get_parameter(name).requires_grad_(False)
    return names
