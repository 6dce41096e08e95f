"""From groups of parameters to an optimizer."""

from collections.abc import Sequence

import torch

from fcmae.optim.groups import ParameterGroup
from fcmae.optim.options import Optim

FUSED = ("cpu", "cuda", "mps", "xpu")
"""Devices for which PyTorch updates all parameters of a group in one kernel."""


def build_optimizer(
    groups: Sequence[ParameterGroup],
    optim: Optim,
    device: torch.device,
    *,
    fused: bool = True,
) -> torch.optim.Optimizer:
    """AdamW over the groups; each keeps its ``name`` and its ``lr_scale``.

    Args:
        fused: Use the fused kernels where the device has them. They unscale float16 gradients
            themselves, so a loop that unscales first, to look at the gradients, passes False.
    """
    return torch.optim.AdamW(
        [
            {
                "params": group.params,
                "name": group.name,
                "lr": optim.peak_lr * group.lr_scale,
                "lr_scale": group.lr_scale,
                "weight_decay": group.weight_decay,
            }
            for group in groups
        ],
        betas=optim.betas,
        fused=fused and device.type in FUSED,
    )
