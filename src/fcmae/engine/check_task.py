"""Checks of a task before its first step: what would be neither trained nor saved."""

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from fcmae.checkpoint.tensors import is_finite
from fcmae.task import Task


def check_task(task: Task) -> None:
    """Refuse a task whose model cannot be trained, or whose run could not be kept.

    Raises:
        ValueError: It has no model, weights outside of it, or a state that is not finite tensors.
    """
    name, model = type(task).__name__, getattr(task, "model", None)
    if not isinstance(model, nn.Module):
        raise ValueError(
            f"{name} has no model: set self.model, a torch.nn.Module, after super().__init__()."
        )
    inside = {id(parameter) for parameter in model.parameters()}
    for outside, parameter in task.named_parameters():
        if parameter.requires_grad and id(parameter) not in inside:
            raise ValueError(
                f"{name}.{outside} is outside of {name}.model, so it would be neither trained nor "
                "saved: make it a part of the model, or freeze it (requires_grad_(False))."
            )
    for tensor, value in model.state_dict().items():
        if not isinstance(value, torch.Tensor) or is_lazy(value):
            raise ValueError(
                f"{tensor} in the state of {type(model).__name__} is a {type(value).__name__}, not "
                "a tensor of known shape, so no checkpoint could hold it: keep what is to be saved "
                "in parameters and buffers, and call a model with lazy parts once before."
            )
        if not is_finite(value):
            raise ValueError(
                f"{tensor} of {type(model).__name__} holds NaN or infinity before the first step, "
                "which no checkpoint keeps. A buffer that needs it, such as a mask of attention, "
                "stays out of the state by register_buffer(..., persistent=False)."
            )
