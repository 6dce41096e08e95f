"""The learning rate of each step."""

import math

import torch

from fcmae.optim.options import Optim


def learning_rate(optim: Optim, step: int, steps_per_epoch: int) -> float:
    """Linear warm-up from 0, then the schedule's way down to ``min_lr``, for step 0, 1, ...

    As in the authors' code the rate moves with every step and the first one's is 0 under warm-up.
    """
    epoch = step / steps_per_epoch
    if epoch < optim.warmup:
        return optim.peak_lr * epoch / optim.warmup
    if epoch >= optim.epochs:
        return optim.min_lr
    if optim.schedule == "steps":
        passed = sum(epoch >= share * optim.epochs for share in optim.milestones)
        return max(optim.min_lr, optim.peak_lr * 0.1**passed)
    progress = (epoch - optim.warmup) / (optim.epochs - optim.warmup)
    left = 1 - progress if optim.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
    return optim.min_lr + (optim.peak_lr - optim.min_lr) * left


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every group the scheduled rate times its own scale."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]
