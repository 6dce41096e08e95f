"""Checks of what ``fit`` is given: what is no task, or would be neither trained nor saved."""

from inspect import getattr_static

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from fcmae.checkpoint.tensors import is_finite
from fcmae.engine.report import Reporter
from fcmae.options.objects import summary
from fcmae.task import Evaluation, Step, Task

FEED = ("num_images", "fingerprint", "steps_per_epoch", "batches")
"""What a ``TrainingFeed`` has."""


def check_task(task: object) -> None:
    """Refuse a task whose model cannot be trained, or whose run could not be kept.

    Raises:
        ValueError: It is no task, has no model, weights outside of it, or a state that is not
            finite tensors.
    """
    if not isinstance(task, Task):
        raise ValueError(
            f"task is {summary(task)}, but must be an object of a class derived from fcmae.Task, "
            "whose self.model is trained and whose forward(batch) returns fcmae.Step(loss=...)."
        )
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


def checked_step(task: Task, step: object) -> Step:
    """Checks the outcome of a task's forward pass, and returns it.

    Raises:
        ValueError: It is no ``Step``, or its loss is no scalar with a gradient.
    """
    name = type(task).__name__
    if not isinstance(step, Step):
        raise ValueError(
            f"{name}.forward returned a {type(step).__name__}, but must return "
            "fcmae.Step(loss=...)."
        )
    if step.loss.ndim:
        raise ValueError(
            f"the loss of {name} has the shape {tuple(step.loss.shape)}, but must be a scalar: "
            "take its mean over the images."
        )
    if torch.is_grad_enabled() and not step.loss.requires_grad:
        raise ValueError(
            f"the loss of {name} has no gradient: it must be computed from the model's outputs, "
            "without detach() or item()."
        )
    return step


def check_others(feed: object, evaluations: object, reporter: object) -> None:
    """Refuse what is given to ``fit`` beside a task and is not what it should be.

    Raises:
        ValueError: The message says what to give.
    """
    # Their presence alone: isinstance would compute the fingerprint.
    if any(getattr_static(feed, name, None) is None for name in FEED):
        raise ValueError(
            f"feed is {summary(feed)}, but must give batches: fcmae.Feed(images, 224) makes a feed "
            "of a path, an array, a list or a data set, here of crops of 224 x 224 pixels."
        )
    given = evaluations if isinstance(evaluations, (list, tuple)) else [evaluations]
    if wrong := [one for one in given if not isinstance(one, Evaluation)]:
        raise ValueError(
            f"evaluations has {summary(wrong[0])}, but must be a list of fcmae.Evaluation."
        )
    if not isinstance(reporter, Reporter):
        raise ValueError(
            f"reporter is {summary(reporter)}, but must have the methods of fcmae.Console, which "
            "is one."
        )
